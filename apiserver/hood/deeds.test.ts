import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainOf } from './chain.ts'
import { Deeds } from './deeds.ts'
import { saidCause } from './said-cause.ts'

function add(deeds: Deeds, revision: number, key: string, cause?: string): void {
  const origin = {
    verb: 'update',
    allowedBy: 'RBAC',
    cause: cause === undefined ? undefined : JSON.stringify({ by: 'test', revision: cause }),
  }
  deeds.add({ user: { name: 'u', groups: [] }, subresource: '', origin }, { revision, key, time: revision })
}
const revisions = (key: string, deeds: Deeds) => chainOf(key, deeds).chain.map(({ revision }) => revision)

test('a chain goes back to where it began, and on to all that came of it, but not to what else came of its beginning', () => {
  const deeds = new Deeds(2 ** 20)
  add(deeds, 1, 'apps/deployments/a/web')
  add(deeds, 2, 'apps/replicasets/a/web-1', '1')
  add(deeds, 3, 'core/pods/a/one', '2')
  add(deeds, 4, 'core/pods/a/two', '2')
  add(deeds, 5, 'core/pods/a/one', '3')
  add(deeds, 6, 'core/pods/a/other')
  assert.deepEqual(revisions('apps/deployments/a/web', deeds), [1, 2, 3, 4, 5])
  assert.deepEqual(revisions('core/pods/a/one', deeds), [1, 2, 3, 5])
  assert.deepEqual(revisions('core/pods/a/none', deeds), [])
})

test('causes that cannot be are no way: later ones, circles, and what is forgotten', () => {
  const deeds = new Deeds(2 ** 20)
  add(deeds, 1, 'core/pods/a/one', '2')
  add(deeds, 2, 'core/pods/a/two', '1')
  add(deeds, 3, 'core/pods/a/three', '3')
  add(deeds, 4, 'core/pods/a/four', '99')
  assert.deepEqual(revisions('core/pods/a/one', deeds), [1, 2])
  assert.deepEqual(revisions('core/pods/a/three', deeds), [3])
  assert.deepEqual(revisions('core/pods/a/four', deeds), [4])
})

test('revisions that are heard of late are at their places', () => {
  const deeds = new Deeds(2 ** 20)
  add(deeds, 5, 'core/pods/a/two', '2')
  add(deeds, 2, 'core/pods/a/one', '1')
  add(deeds, 9, 'core/pods/a/three', '5')
  add(deeds, 1, 'core/pods/a/one')
  assert.deepEqual(revisions('core/pods/a/one', deeds), [1, 2, 5, 9])
})

test('memory is bounded whatever is written, and what goes first is the oldest', () => {
  const deeds = new Deeds(64 * 1024)
  for (let revision = 1; revision <= 5_000; revision++) add(deeds, revision, `core/pods/a/p${revision % 7}`, String(revision - 1))
  assert.ok(deeds.bytes <= 64 * 1024 && deeds.size > 50 && deeds.size < 200, `${deeds.size} in ${deeds.bytes} bytes`)
  assert.equal(deeds.get(1), undefined)
  assert.deepEqual(
    deeds.all().map(({ revision }) => revision),
    Array.from({ length: deeds.size }, (_, index) => 5_001 - deeds.size + index),
  )
  assert.ok(deeds.all().every((deed) => deeds.get(deed.revision) === deed))
  const none = new Deeds(0)
  add(none, 1, 'core/pods/a/one')
  assert.equal(none.size, 0)
})

test('a long chain is cut at its old end, in time that does not grow with the square', () => {
  const deeds = new Deeds(16 * 2 ** 20)
  for (let revision = 1; revision <= 4_000; revision++) add(deeds, revision, 'core/pods/a/one', String(revision - 1))
  const { chain, isCut } = chainOf('core/pods/a/one', deeds)
  assert.deepEqual([chain.length, isCut, chain.at(-1)!.revision], [500, true, 4_000])
})

test('what senders say is taken for text, in its bounds', () => {
  assert.deepEqual(saidCause('{"by":"x","revision":"12","why":"so"}'), { by: 'x', revision: 12, why: 'so' })
  assert.deepEqual(saidCause('{"by":"x","revision":"1e9"}'), { by: 'x', revision: undefined, why: undefined })
  for (const bad of [undefined, '', '{', 'null', '[]', '{"revision":"1"}', '{"by":7}', `"${'x'.repeat(20_000)}"`])
    assert.equal(saidCause(bad), undefined, bad)
  assert.equal(saidCause(JSON.stringify({ by: 'y'.repeat(500), why: 'z'.repeat(5_000) }))!.why!.length, 1_500)
})
