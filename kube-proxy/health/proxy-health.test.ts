import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { ProxyHealth } from './proxy-health.ts'

const node = (parts: { taints?: Node['spec']['taints']; deletionTimestamp?: string } = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', status: { nodeInfo: {} } as Node['status'] },
  metadata: { name: 'node-1', deletionTimestamp: parts.deletionTimestamp },
  spec: { taints: parts.taints },
})

describe('the health of a proxy', () => {
  function trial() {
    const clock = manualClock()
    const health = new ProxyHealth(clock)
    return { clock, health, codes: () => [health.live().code, health.healthy(node()).code] }
  }

  it('is bad before rules were applied once', () => {
    const { health, codes } = trial()
    assert.deepEqual(codes(), [503, 503])
    health.applied()
    assert.deepEqual(codes(), [200, 200])
  })

  it('is bad when a change waits for a minute, also one that came while others were applied', async () => {
    const { clock, health, codes } = trial()
    health.applied()
    health.changed()
    health.begin()
    await clock.advance(30_000)
    health.changed()
    await clock.advance(29_999)
    assert.deepEqual(codes(), [200, 200])
    await clock.advance(1)
    assert.deepEqual(codes(), [503, 503])
    health.applied()
    assert.deepEqual(codes(), [200, 200], 'the second has waited for half a minute only')
    await clock.advance(30_000)
    assert.deepEqual(codes(), [503, 503])
    health.begin()
    assert.deepEqual(codes(), [503, 503], 'a failure does not make a change younger')
    health.applied()
    assert.deepEqual(codes(), [200, 200])
  })

  it('sends load balancers away from a node that is going, and lets the process live', () => {
    const { health } = trial()
    health.applied()
    for (const going of [
      node({ taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] }),
      node({ deletionTimestamp: 'x' }),
    ]) {
      assert.equal(health.healthy(going).code, 503)
      assert.equal(JSON.parse(health.healthy(going).body).nodeEligible, false)
    }
    assert.equal(health.live().code, 200)
    const said = JSON.parse(health.healthy(node()).body)
    assert.deepEqual(Object.keys(said), ['lastUpdated', 'currentTime', 'nodeEligible'])
    assert.equal(said.lastUpdated, said.currentTime)
  })
})
