import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMap } from '../harness/bodies.ts'
import { patched, refused, webhookScene } from '../harness/webhook-scene.ts'

test('match conditions say which requests a webhook sees; one that cannot be evaluated counts as the failure policy says', async (context) => {
  const { api, install, webhook, answer, asked } = await webhookScene(context)
  const create = (name: string, more: object = {}) => api.request('POST', '/api/v1/namespaces/default/configmaps', configMap(name, more))
  const askedOf = (name: string) => asked.filter(({ by }) => by === name)
  const onlyMarked = { name: 'marked', expression: 'has(object.data) && object.data.mark == "yes"' }
  const notMine = { name: 'not-mine', expression: '!("system:nodes" in request.userInfo.groups)' }
  await install('Validating', 'a', webhook('picky', { matchConditions: [onlyMarked, notMine] }))
  await install('Mutating', 'b', webhook('labels', { matchConditions: [onlyMarked] }))
  answer('picky', () => refused('marked'))
  answer('labels', () => patched({ op: 'add', path: '/metadata/labels', value: { seen: 'yes' } }))
  assert.equal((await create('plain')).status, 201)
  assert.equal((await create('other', { data: { mark: 'no' } })).status, 201)
  assert.deepEqual([askedOf('picky').length, askedOf('labels').length], [0, 0])
  const marked = await create('marked', { data: { mark: 'yes' } })
  assert.equal(marked.json['message'], 'admission webhook "picky.example.com" denied the request: marked')
  assert.equal(askedOf('labels').length, 1)

  const broken = { name: 'broken', expression: 'object.data.absent == "x"' }
  await install('Validating', 'c', webhook('failing', { matchConditions: [broken], failurePolicy: 'Fail' }))
  await install('Validating', 'd', webhook('lenient', { matchConditions: [broken], failurePolicy: 'Ignore' }))
  const failed = await create('second', { data: { mark: 'no' } })
  assert.equal(failed.status, 403, failed.text)
  assert.match(String(failed.json['message']), /no such key: absent/)
  assert.deepEqual([askedOf('failing').length, askedOf('lenient').length], [0, 0])

  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
  const wrong = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'wrong' } }
  const refusedAtOnce = async (matchConditions: object[]) =>
    String((await api.request('POST', path, { ...wrong, webhooks: [webhook('wrong', { matchConditions })] })).json['message'])
  assert.match(
    await refusedAtOnce([{ name: 'x', expression: '... [' }]),
    /webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: .*compilation failed/,
  )
  assert.match(await refusedAtOnce([{ name: 'x', expression: '1 + 1' }]), /must evaluate to bool/)
  assert.match(await refusedAtOnce([onlyMarked, onlyMarked]), /webhooks\[0\]\.matchConditions\[1\]\.name: Duplicate value: "marked"/)
})
