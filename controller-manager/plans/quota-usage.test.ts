import assert from 'node:assert/strict'
import test from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { ResourceQuota } from '../../shared/openapi/generated/core-v1.ts'
import { podQuota } from '../../shared/quota/pods.ts'
import { countedKind } from '../../shared/quota/quota-kind.ts'
import { countedStatus, quotaStep } from './quota-usage.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')

function quota(spec: ResourceQuota['spec']): ResourceQuota {
  return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { namespace: 'a', name: 'q' }, spec, status: {} }
}

function pod(phase: string, cpu: string, metadata: KubeObject['metadata'] = {}): KubeObject {
  const spec = { containers: [{ name: 'main', resources: { requests: { cpu } } }] }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec, status: { phase, qosClass: 'Burstable' } } as KubeObject
}

test('what has finished counts as an object, and uses nothing', () => {
  const objects = [pod('Running', '100m'), pod('Succeeded', '100m'), pod('Failed', '1')]
  const { used } = countedStatus(quota({ hard: { pods: '9', 'count/pods': '9', cpu: '1' } }), [{ kind: podQuota, objects }], NOW)
  assert.deepEqual(used, { 'count/pods': '3', cpu: '100m', pods: '1' })
})

test('a deleted pod counts until its grace period is over, whether its node answers or not', () => {
  const deleted = (deletionTimestamp: string) => pod('Running', '1', { deletionTimestamp, deletionGracePeriodSeconds: 30 })
  const counting = (object: KubeObject) => countedStatus(quota({ hard: { pods: '1' } }), [{ kind: podQuota, objects: [object] }], NOW).used
  assert.deepEqual(counting(deleted('2026-01-01T00:09:45Z')), { pods: '1' })
  assert.deepEqual(counting(deleted('2026-01-01T00:09:29Z')), { pods: '0' })
})

test('names that nobody knows how to count are left out, those of which there is nothing are zero', () => {
  const counted = [{ kind: countedKind('apps', 'deployments'), objects: [] }]
  const { hard, used } = countedStatus(quota({ hard: { 'count/deployments.apps': '1', 'count/unknown.example.com': '1' } }), counted, NOW)
  assert.deepEqual(used, { 'count/deployments.apps': '0' })
  assert.deepEqual(hard, { 'count/deployments.apps': '1', 'count/unknown.example.com': '1' })
})

test('objects outside the scopes are not counted', () => {
  const objects = [pod('Running', '1')]
  const { used } = countedStatus(quota({ hard: { pods: '1' }, scopes: ['BestEffort'] }), [{ kind: podQuota, objects }], NOW)
  assert.deepEqual(used, { pods: '0' })
})

test('a lower count waits until nothing was charged for a while; anything else is written at once', () => {
  const hard = { pods: '5' }
  assert.equal(quotaStep({}, { hard, used: { pods: '0' } }), 'write')
  assert.equal(quotaStep({ hard, used: { pods: '1' } }, { hard, used: { pods: '1' } }), 'done')
  assert.equal(quotaStep({ hard, used: { pods: '1' } }, { hard, used: { pods: '2' } }), 'write')
  assert.equal(quotaStep({ hard, used: { pods: '2' } }, { hard, used: { pods: '1' } }), 'writeWhenQuiet')
  assert.equal(quotaStep({ hard: { pods: '4' }, used: { pods: '1' } }, { hard, used: { pods: '1' } }), 'write')
})
