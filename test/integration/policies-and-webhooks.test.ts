import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMap } from '../harness/bodies.ts'
import { patched, webhookScene } from '../harness/webhook-scene.ts'

const GROUP = '/apis/admissionregistration.k8s.io/v1'
const MAPS = '/api/v1/namespaces/default/configmaps'

test('policies change an object before webhooks do, and both see once more what the other made, if they wish', async (context) => {
  const { api, install, webhook, answer, asked } = await webhookScene(context)
  const inForce = async (name: string, reinvocationPolicy: string, expression: string) => {
    const apiVersion = 'admissionregistration.k8s.io/v1'
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }]
    const mutations = [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }]
    const spec = { matchConstraints: { resourceRules }, reinvocationPolicy, mutations }
    const policy = { apiVersion, kind: 'MutatingAdmissionPolicy', metadata: { name }, spec }
    const binding = { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name } }
    assert.equal((await api.request('POST', `${GROUP}/mutatingadmissionpolicies`, policy)).status, 201)
    assert.equal((await api.request('POST', `${GROUP}/mutatingadmissionpolicybindings`, binding)).status, 201)
  }
  const create = async (name: string) => {
    asked.length = 0
    const { status, text, json } = await api.request('POST', MAPS, configMap(name))
    assert.equal(status, 201, text)
    return (json as { data?: object }).data
  }
  const counting = (key: string) =>
    `Object{data: Object.data{${key}: object.?data['${key}'].orValue('') + (object.?data.?hook.hasValue() ? 'H' : '-')}}`
  await inForce('once', 'Never', counting('once'))
  await install('Mutating', 'hooks', webhook('never'), webhook('again', { reinvocationPolicy: 'IfNeeded' }))

  assert.deepEqual(await create('a'), { once: '-' })
  assert.deepEqual(
    asked.map(({ by }) => by),
    ['never', 'again'],
    'webhooks saw what the policy had made: nothing to ask again',
  )
  assert.deepEqual(asked[0]?.request.object.data, { once: '-' })

  await inForce('twice', 'IfNeeded', counting('twice'))
  answer('never', ({ object }) => patched({ op: 'add', path: '/data', value: { ...object.data, hook: 'yes' } }))
  assert.deepEqual(await create('b'), { once: '-', twice: '-H', hook: 'yes' })
  assert.deepEqual(
    asked.map(({ by }) => by),
    ['never', 'again', 'again'],
  )
  assert.deepEqual(asked[2]?.request.object.data, { once: '-', twice: '-H', hook: 'yes' })
})
