import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { allLost, evictionRate, zoneKey, zoneState } from './zone-disruption.ts'

const settings = { unhealthyZoneThreshold: 0.55, largeClusterSizeThreshold: 50, nodeEvictionRate: 0.1, secondaryNodeEvictionRate: 0.01 }
const zone = (ready: number, notReady: number) => ({ ready, notReady })

test('a zone is normal, partly or fully disrupted', () => {
  const cases: [number, number, string][] = [
    [0, 0, 'normal'],
    [1, 0, 'normal'],
    [1, 1, 'normal'],
    [1, 2, 'normal'],
    [2, 3, 'partial'],
    [3, 3, 'normal'],
    [0, 1, 'full'],
    [0, 9, 'full'],
  ]
  for (const [ready, notReady, expected] of cases)
    assert.equal(zoneState(zone(ready, notReady), settings), expected, `${ready}/${notReady}`)
})

test('well zones are evicted at the usual pace, large disrupted ones slowly, small ones not, a lost one while others live', () => {
  const zones = new Map([
    ['well', zone(5, 1)],
    ['small', zone(2, 8)],
    ['large', zone(20, 40)],
    ['lost', zone(0, 4)],
  ])
  const rates = [...zones.keys()].map((name) => evictionRate(name, zones, settings))
  assert.deepEqual(rates, [0.1, 0, 0.01, 0.1])
})

test('when every zone is lost, nobody is evicted', () => {
  const zones = new Map([
    ['a', zone(0, 1)],
    ['b', zone(0, 7)],
  ])
  assert.equal(allLost(zones, settings), true)
  assert.deepEqual([evictionRate('a', zones, settings), evictionRate('b', zones, settings)], [0, 0])
  assert.equal(allLost(new Map(), settings), false, 'a cluster without nodes has lost none')
})

test('nodes share a zone when region and zone are the same', () => {
  const at = (labels: Record<string, string>) => zoneKey({ metadata: { labels } } as unknown as Node)
  const [region, name] = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']
  assert.equal(at({}), at({ other: 'x' }))
  assert.notEqual(at({ [region]: 'eu', [name]: 'a' }), at({ [region]: 'us', [name]: 'a' }))
})
