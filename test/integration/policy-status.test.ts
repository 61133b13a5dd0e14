import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'

const API = 'admissionregistration.k8s.io/v1'

test('a policy is told what in it does not fit the kinds that it is about, after each change', async (context) => {
  const it = await startSimulatedCluster(context, { controllers: ['validatingadmissionpolicy-status'], nodes: 0, scheduler: false })
  const resourceRules = [{ apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] }]
  const spec = { matchConstraints: { resourceRules }, validations: [{ expression: 'object.spec.replica <= 5' }] }
  await it.client.create(API, 'ValidatingAdmissionPolicy', { metadata: { name: 'p' }, spec })
  const seen = async (generation: number) => (await it.get(API, 'ValidatingAdmissionPolicy', 'p')).status.observedGeneration === generation
  await it.until('the policy is checked', () => seen(1))
  const [warning] = (await it.get(API, 'ValidatingAdmissionPolicy', 'p')).status.typeChecking?.expressionWarnings ?? []
  assert.equal(warning?.fieldRef, 'spec.validations[0].expression')
  assert.match(warning.warning, /^apps\/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n/)
  const mended = { spec: { validations: [{ expression: 'object.spec.replicas <= 5' }] } }
  await it.client.patch(API, 'ValidatingAdmissionPolicy', { name: 'p' }, { type: 'merge', body: mended })
  await it.until('the change is checked', () => seen(2))
  assert.deepEqual((await it.get(API, 'ValidatingAdmissionPolicy', 'p')).status.typeChecking, {})
})
