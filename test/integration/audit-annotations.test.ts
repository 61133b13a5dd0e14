import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { admin, startApi } from '../harness/api.ts'
import { auditScene } from '../harness/audited-api.ts'
import { configMap, pod, serviceAccount } from '../harness/bodies.ts'
import { patched, webhookScene } from '../harness/webhook-scene.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

/** Sends what one event is written about, and answers both. */
async function scene(context: TestContext) {
  const written = auditScene(context, { omitStages: ['RequestReceived'], rules: [{ level: 'Metadata' }] })
  const api = await startApi(written.options, context)
  const audited = async (id: string, path: string, body: object) => {
    const answer = await api.request('POST', path, body, { 'audit-id': id })
    const [event] = await written.of(id, 1)
    return { answer, event }
  }
  return { api, audited }
}

test('pods say which policy they were held against, and what the audit level of their namespace finds', async (context) => {
  const { api, audited } = await scene(context)
  const labels = { 'pod-security.kubernetes.io/enforce': 'privileged', 'pod-security.kubernetes.io/audit': 'baseline' }
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'watched', labels } })
  await api.request('POST', '/api/v1/namespaces/watched/serviceaccounts', serviceAccount('default'))
  const { answer, event } = await audited('pod-1', '/api/v1/namespaces/watched/pods', pod('host', { hostNetwork: true }))
  assert.deepEqual([answer.status, answer.header('warning')], [201, undefined])
  assert.equal(event.annotations['pod-security.kubernetes.io/enforce-policy'], 'privileged:latest')
  assert.equal(
    event.annotations['pod-security.kubernetes.io/audit-violations'],
    'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
  )
})

test('policies publish their annotations and the failures that are only audited', async (context) => {
  const { api, audited } = await scene(context)
  const make = (plural: string, kind: string, spec: object) =>
    api.request('POST', `/apis/admissionregistration.k8s.io/v1/${plural}`, {
      ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: 'few' }, spec },
    })
  const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }]
  const made = [
    await make('validatingadmissionpolicies', 'ValidatingAdmissionPolicy', {
      matchConstraints: { resourceRules },
      validations: [{ expression: 'true' }, { expression: 'size(object.data) < 2', message: 'too much' }],
      auditAnnotations: [
        { key: 'size', valueExpression: "'has ' + string(size(object.data))" },
        { key: 'nothing', valueExpression: 'null' },
      ],
    }),
    await make('validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', {
      policyName: 'few',
      validationActions: ['Audit'],
    }),
  ]
  assert.deepEqual(
    made.map(({ status }) => status),
    [201, 201],
  )
  const { answer, event } = await audited('policy-1', MAPS, configMap('many', { data: { a: '1', b: '2' } }))
  assert.equal(answer.status, 201)
  assert.equal(event.annotations['few/size'], 'has 2')
  assert.equal('few/nothing' in event.annotations, false)
  assert.deepEqual(JSON.parse(event.annotations['validation.policy.admission.k8s.io/validation_failure']), [
    { message: 'too much', policy: 'few', binding: 'few', expressionIndex: 1, validationActions: ['Audit'] },
  ])
})

test('webhooks are told with what they changed, from the level Request on, and with what they say themselves', async (context) => {
  const hooked = auditScene(context, {
    ...{ omitStages: ['RequestReceived'] },
    rules: [{ level: 'Request', users: ['kubernetes-admin'] }, { level: 'Metadata' }],
  })
  const { api: asked, install, webhook, answer } = await webhookScene(context, hooked.options)
  await install('Mutating', 'changing', webhook('silent'), webhook('labels'), webhook('broken', { failurePolicy: 'Ignore' }))
  await install('Validating', 'checking', webhook('notes'), webhook('away', { failurePolicy: 'Ignore' }))
  const operation = { op: 'add', path: '/metadata/labels', value: { a: 'b' } }
  answer('labels', () => patched(operation))
  answer('notes', () => ({ allowed: true, auditAnnotations: { why: 'because' } }))
  for (const name of ['broken', 'away']) answer(name, () => ({ allowed: true, uid: 'another' }))
  for (const [id, user] of [
    ['hook-1', admin],
    ['hook-2', { ...admin, name: 'other' }],
  ] as const) {
    assert.equal((await asked.request('POST', MAPS, configMap(id), { 'audit-id': id }, user)).status, 201)
  }
  const [request] = await hooked.of('hook-1', 1)
  const [metadata] = await hooked.of('hook-2', 1)
  const said = (name: string, more: object) => JSON.stringify({ configuration: 'changing', webhook: `${name}.example.com`, ...more })
  const noted = {
    ...{ 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    'mutation.webhook.admission.k8s.io/round_0_index_0': said('silent', { mutated: false }),
    'mutation.webhook.admission.k8s.io/round_0_index_1': said('labels', { mutated: true }),
    'mutation.webhook.admission.k8s.io/round_0_index_2': said('broken', { mutated: false }),
    'failed-open.mutation.webhook.admission.k8s.io/round_0_index_2': 'broken.example.com',
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_1': 'away.example.com',
    'notes.example.com/why': 'because',
  }
  assert.deepEqual(metadata.annotations, noted)
  const patch = said('labels', { patch: [operation], patchType: 'JSONPatch' })
  assert.deepEqual(request.annotations, { ...noted, 'patch.webhook.admission.k8s.io/round_0_index_1': patch })
})
