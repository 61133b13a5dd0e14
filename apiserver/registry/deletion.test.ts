import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import { defineResource, type ResourceHooks } from './define-resource.ts'
import type { DeleteOptions } from './delete-options.ts'
import { planDeletion } from './deletion.ts'
import { ResourceTable } from './resource-table.ts'

const NOW = Date.UTC(2030, 0, 1, 12)
const resourceWith = (hooks: ResourceHooks<KubeObject>) =>
  new ResourceTable([defineResource('v1', 'Pod', hooks as never) as never]).find('', 'v1', 'pods')!
const plain = resourceWith({})
const graceful = resourceWith({ gracePeriodSeconds: (_, asked) => asked ?? 30 })
const none: DeleteOptions = {
  ...{ gracePeriodSeconds: undefined, propagation: undefined, orphanDependents: undefined },
  ...{ uid: undefined, resourceVersion: undefined, dryRun: false },
}
const pod = (metadata: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', generation: 3, ...metadata } })
const plan = (resource: typeof plain, object: KubeObject, options: Partial<DeleteOptions> = {}) => {
  const made = planDeletion(resource, object, { ...none, ...options }, NOW)
  if (!made.marked) return 'gone'
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = made.marked.metadata
  return `${made.changed ? 'marked' : 'as it was'} ${deletionTimestamp?.slice(11, 19)} ${deletionGracePeriodSeconds} [${finalizers.join()}]`
}
const dying = { deletionTimestamp: '2030-01-01T12:00:30Z', deletionGracePeriodSeconds: 30 }

test('without grace and finalizers it is gone', () => assert.equal(plan(plain, pod()), 'gone'))
test('a graceful kind is marked with the end of its grace', () => assert.equal(plan(graceful, pod()), 'marked 12:00:30 30 []'))
test('a grace of nothing removes at once', () => assert.equal(plan(graceful, pod(), { gracePeriodSeconds: 0 }), 'gone'))
test('a finalizer holds', () => assert.equal(plan(plain, pod({ finalizers: ['x/y'] })), 'marked 12:00:00 0 [x/y]'))
test('a second delete changes nothing', () => assert.equal(plan(graceful, pod(dying)), 'as it was 12:00:30 30 []'))
test('a longer grace comes too late', () =>
  assert.equal(plan(graceful, pod(dying), { gracePeriodSeconds: 60 }), 'as it was 12:00:30 30 []'))
test('a shorter grace counts from the first delete', () => {
  assert.equal(plan(graceful, pod(dying), { gracePeriodSeconds: 10 }), 'marked 12:00:10 10 []')
})
test('a grace of nothing ends a deletion that waits', () => assert.equal(plan(graceful, pod(dying), { gracePeriodSeconds: 0 }), 'gone'))
test('… unless a finalizer still holds', () => {
  assert.equal(plan(graceful, pod({ ...dying, finalizers: ['x/y'] }), { gracePeriodSeconds: 0 }), 'marked 12:00:00 0 [x/y]')
})
test('policies become finalizers, and replace each other', () => {
  assert.equal(plan(plain, pod(), { propagation: 'Foreground' }), 'marked 12:00:00 0 [foregroundDeletion]')
  assert.equal(plan(plain, pod(), { propagation: 'Orphan' }), 'marked 12:00:00 0 [orphan]')
  assert.equal(plan(plain, pod(), { orphanDependents: true }), 'marked 12:00:00 0 [orphan]')
  assert.equal(
    plan(plain, pod({ finalizers: ['orphan', 'x/y'] }), { propagation: 'Foreground' }),
    'marked 12:00:00 0 [x/y,foregroundDeletion]',
  )
  assert.equal(plan(plain, pod({ finalizers: ['orphan'] }), { propagation: 'Background' }), 'gone')
  assert.equal(plan(plain, pod({ finalizers: ['orphan'] })), 'marked 12:00:00 0 [orphan]')
})
test('the kind may hold its object, and edit it as it is marked', () => {
  const held = resourceWith({ holdsDeletion: () => true, prepareForDelete: (next) => void (next.metadata.labels = { end: 'near' }) })
  const made = planDeletion(held, pod(), none, NOW)
  assert.deepEqual(made.marked?.metadata.labels, { end: 'near' })
  assert.equal(made.marked?.metadata.generation, 4)
})
test('the object it is asked about stays as it is', () => {
  const object = Object.freeze(pod())
  Object.freeze(object.metadata)
  planDeletion(graceful, object, none, NOW)
  assert.equal(object.metadata.deletionTimestamp, undefined)
})
