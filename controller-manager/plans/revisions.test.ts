import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import { newSetAnnotations, REVISION_ANNOTATION, REVISION_HISTORY_ANNOTATION, revisionOf, surplusSets } from './revisions.ts'

const deployment = (annotations: Record<string, string> = {}, revisionHistoryLimit?: number) =>
  ({ metadata: { annotations }, spec: { revisionHistoryLimit } }) as unknown as Deployment

interface Facts {
  replicas?: number
  running?: number
  observed?: number
  more?: Record<string, string>
}

function set(revision: number | undefined, { replicas = 0, running = replicas, observed = 1, more = {} }: Facts = {}): ReplicaSet {
  const annotations = { ...(revision === undefined ? {} : { [REVISION_ANNOTATION]: String(revision) }), ...more }
  const status = { replicas: running, observedGeneration: observed }
  return { metadata: { name: `set-${revision}`, annotations, generation: 1 }, spec: { replicas }, status } as unknown as ReplicaSet
}

test('a new set is one above all others and gets the Deployment’s annotations, except those that are not for it', () => {
  const own = { team: 'blue', [REVISION_ANNOTATION]: '9', 'kubectl.kubernetes.io/last-applied-configuration': '{}' }
  assert.deepEqual(newSetAnnotations(deployment(own), undefined, [set(3), set(7)]), { team: 'blue', [REVISION_ANNOTATION]: '8' })
  assert.equal(newSetAnnotations(deployment(), undefined, [])[REVISION_ANNOTATION], '1')
})

test('a set that becomes the newest again remembers the numbers it had', () => {
  const again = newSetAnnotations(deployment(), set(1), [set(2)])
  assert.deepEqual([again[REVISION_ANNOTATION], again[REVISION_HISTORY_ANNOTATION]], ['3', '1'])
  const third = newSetAnnotations(deployment(), set(3, { more: { [REVISION_HISTORY_ANNOTATION]: '1' } }), [set(4)])
  assert.deepEqual([third[REVISION_ANNOTATION], third[REVISION_HISTORY_ANNOTATION]], ['5', '1,3'])
  assert.equal(newSetAnnotations(deployment(), set(5), [set(4)])[REVISION_ANNOTATION], '5', 'the newest stays what it is')
})

test('a number that is none counts as zero', () => {
  assert.equal(revisionOf(set(undefined)), 0n)
  for (const text of ['x', '', '-1', '1.5', '9223372036854775807', '9'.repeat(100_000)])
    assert.equal(revisionOf(set(undefined, { more: { [REVISION_ANNOTATION]: text } })), 0n, text.slice(0, 30))
})

test('numbers have 64 bits: the next one of a large one is not lost in rounding', () => {
  const adopted = set(undefined, { more: { [REVISION_ANNOTATION]: '3546343826724305832' } })
  assert.equal(newSetAnnotations(deployment(), undefined, [adopted])[REVISION_ANNOTATION], '3546343826724305833')
})

test('beyond the limit the oldest sets go, if they are empty and settled', () => {
  const olds = [set(4), set(1), set(3), set(2)]
  const names = (sets: ReplicaSet[]) => sets.map((each) => Number(revisionOf(each)))
  assert.deepEqual(names(surplusSets(deployment({}, 2), olds)), [1, 2])
  assert.deepEqual(names(surplusSets(deployment({}, 0), olds)), [1, 2, 3, 4])
  assert.deepEqual(surplusSets(deployment(), olds), [], 'ten are kept unless told')
  const busy = [set(1, { replicas: 1 }), set(2, { running: 1 }), set(3, { observed: 0 }), set(4)]
  assert.deepEqual(names(surplusSets(deployment({}, 0), busy)), [4])
})
