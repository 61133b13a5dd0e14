import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Node, Pod, Taint, Toleration } from '../../shared/openapi/generated/core-v1.ts'
import { evictionTime } from './taint-eviction.ts'

const ADDED = Date.UTC(2030, 0, 1)
const NOW = ADDED + 10_000
const taint = (key: string, more: Partial<Taint> = {}): Taint => ({ key, effect: 'NoExecute', timeAdded: '2030-01-01T00:00:00Z', ...more })
const tolerates = (key: string, seconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
})

describe('when a pod must leave', () => {
  const cases: [string, Taint[], Toleration[], number | undefined][] = [
    ['no taint', [], [], undefined],
    ['only taints that keep newcomers off', [taint('a', { effect: 'NoSchedule' })], [], undefined],
    ['not tolerated: now', [taint('a')], [tolerates('b')], NOW],
    ['tolerated for ever', [taint('a')], [tolerates('a')], undefined],
    ['for a time, from when it was added', [taint('a')], [tolerates('a', 30)], ADDED + 30_000],
    ['of several that match, the shortest', [taint('a')], [tolerates('a', 300), tolerates('a', 60)], ADDED + 60_000],
    ['zero and less is at once', [taint('a')], [tolerates('a', -5)], NOW],
    ['of several taints, the first to end', [taint('a'), taint('b')], [tolerates('a', 300), tolerates('b', 40)], ADDED + 40_000],
    ['one tolerated for ever, one not at all', [taint('a'), taint('b')], [tolerates('a')], NOW],
  ]
  for (const [name, taints, tolerations, expected] of cases) {
    test(name, () => {
      const [pod, node] = [{ spec: { tolerations } } as unknown as Pod, { spec: { taints } } as unknown as Node]
      assert.equal(
        evictionTime(pod, node, NOW, () => assert.fail('the taint has a time of its own')),
        expected,
      )
    })
  }
})

test('a taint without a time counts from when it was first seen', () => {
  const [pod, node] = [{ spec: { tolerations: [tolerates('a', 30)] } }, { spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } }]
  assert.equal(
    evictionTime(pod as unknown as Pod, node as unknown as Node, NOW, () => ADDED + 5_000),
    ADDED + 35_000,
  )
})
