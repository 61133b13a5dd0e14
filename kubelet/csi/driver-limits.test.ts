import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { scriptedDriver } from '../../test/harness/scripted-driver.ts'
import { CsiDrivers } from './csi-drivers.ts'
import { driverLimits } from './driver-limits.ts'

test('a driver is asked again how many volumes it takes, in the period of its CSIDriver, and soon when it takes no more', async () => {
  const clock = manualClock()
  const drivers = new CsiDrivers()
  const said: string[] = []
  let isAway = false
  const NodeGetInfo = async () => {
    if (isAway) throw new Error('away')
    return { nodeId: 'n', maxVolumesPerNode: `${said.length}`, accessibleTopology: null }
  }
  for (const name of ['asks', 'static']) drivers.add(scriptedDriver(name, { NodeGetInfo }))
  const settings = (name: string) => ({ spec: name === 'asks' ? { nodeAllocatableUpdatePeriodSeconds: 60 } : {} })
  const node = { limit: async (name: string, info: { maxVolumesPerNode: string }) => void said.push(`${name} ${info.maxVolumesPerNode}`) }
  const ending = new AbortController()
  const limits = driverLimits({ drivers, settings, node, clock, log: silentLogger() })
  const running = limits.run(ending.signal)
  await clock.advance(59_000)
  assert.deepEqual(said, [])
  await clock.advance(1_000)
  assert.deepEqual(said, ['asks 0'])
  for (const name of ['asks', 'static']) limits.exhausted(name)
  await clock.advance(10_000)
  assert.deepEqual(said, ['asks 0', 'asks 1'], 'one that gives no period says the same for ever')
  await clock.advance(50_000)
  assert.equal(said.length, 2)
  isAway = true
  await clock.advance(10_000)
  isAway = false
  await clock.advance(60_000)
  assert.deepEqual(said.slice(2), ['asks 2'])
  ending.abort()
  await running
})
