import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentRecorder } from '../../shared/client/event-recorder.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { made } from '../../test/harness/admission-trial.ts'
import type { GroupLimits } from '../runtime/limit-group.ts'
import { limitAllPods } from '../runtime/pod-cgroup.ts'
import { enforceAllocatable, enforcementOf, limitsOfPods } from './node-allocatable.ts'

const settings = { systemReserved: ['memory=100Mi', 'cpu=500m', 'pid=1000'], kubeReserved: ['memory=1Gi'] }
const of = (enforceNodeAllocatable: string[], more: object = {}) => enforcementOf({ ...settings, enforceNodeAllocatable, ...more })

test('whom the kernel holds to his part is said by name; what goes with nothing is refused', () => {
  assert.deepEqual(of(['pods']), { pods: true, groups: [] })
  assert.deepEqual(of(['none']), { pods: false, groups: [] })
  assert.deepEqual(of([]), { pods: false, groups: [] })
  const groups = [{ name: 'system-reserved', path: '/system', limits: { cpuShares: 512, memoryBytes: 100 * 2 ** 20, pids: 1000 } }]
  assert.deepEqual(of(['pods', 'system-reserved'], { systemReservedCgroup: '/system' }), { pods: true, groups })
  const cpu = [{ name: 'system-reserved', path: '/system', limits: { cpuShares: 512 } }]
  assert.deepEqual(of(['system-reserved-compressible'], { systemReservedCgroup: '/system' }).groups, cpu)
  for (const [keys, why] of [
    [['podz'], /--enforce-node-allocatable: "podz" is none of pods, system-reserved/],
    [['none', 'pods'], /none goes with nothing else/],
    [['kube-reserved'], /kube-reserved needs --kube-reserved-cgroup/],
    [['kube-reserved', 'kube-reserved-compressible'], /exclude each other/],
  ] as const)
    assert.throws(() => of([...keys]), why)
})

test('pods may have what nobody else was promised', () => {
  const capacity = { cpuMillis: 4000, memoryBytes: 8 * 2 ** 30, storageBytes: 0 }
  const reserved = { cpuMillis: 500, memoryBytes: 2 ** 30, storageBytes: 0 }
  assert.deepEqual(limitsOfPods(capacity, reserved, 30_000), { cpuShares: 3584, memoryBytes: 7 * 2 ** 30 })
  assert.equal(limitsOfPods(capacity, { ...reserved, pids: 1000 }, 30_000).pids, 29_000)
  assert.equal(limitsOfPods(capacity, { ...reserved, pids: 1000 }, undefined).pids, undefined)
})

for (const version of ['v1', 'v2'] as const) {
  test(`the groups are made, limited, and limited anew when the machine becomes another (${version})`, async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'allocatable-'))
    context.after(() => rmSync(root, { recursive: true }))
    if (version === 'v2') writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids')
    const trees = version === 'v2' ? [''] : ['cpu', 'memory', 'pids']
    for (const tree of trees) mkdirSync(join(root, tree, 'system'), { recursive: true })
    const read = (path: string) => readFileSync(join(root, path), 'utf8')
    const memory = (group: string) => read(version === 'v2' ? `${group}/memory.max` : `memory/${group}/memory.limit_in_bytes`)
    const clock = manualClock()
    const told: string[] = []
    let driver = 'systemd'
    let limits: GroupLimits = { memoryBytes: 1000, cpuShares: 2048, pids: 7 }
    const options = {
      enforcement: of(['pods', 'system-reserved'], { systemReservedCgroup: '/system' }),
      limits: async () => limits,
      limitPods: (now: GroupLimits) => limitAllPods(driver, now, root),
      node: made('v1', 'Node', { metadata: { name: 'n' } }),
      events: {
        ...silentRecorder(),
        record: (_: object, type: string, reason: string, message: string) => void told.push(`${type} ${reason} ${message}`),
      },
      ...{ clock, log: silentLogger(), root },
    }
    const ending = new AbortController()
    const running = enforceAllocatable(options, ending.signal)
    await clock.advance(120_000)
    const wrong =
      'Failed to update Node Allocatable Limits "kubepods": with the engine\'s cgroup driver systemd the group of all pods is systemd\'s to limit'
    assert.deepEqual(told.splice(0), [
      `Warning FailedNodeAllocatableEnforcement ${wrong}`,
      'Normal NodeAllocatableEnforced Updated Node Allocatable limit across system-reserved',
    ])
    assert.equal(memory('system'), String(100 * 2 ** 20))
    driver = 'cgroupfs'
    await clock.advance(60_000)
    assert.deepEqual(told, ['Normal NodeAllocatableEnforced Updated Node Allocatable limit across pods'])
    assert.equal(memory('kubepods'), '1000')
    assert.equal(read(version === 'v2' ? 'kubepods/cpu.weight' : 'cpu/kubepods/cpu.shares'), version === 'v2' ? '79' : '2048')
    assert.equal(read(version === 'v2' ? 'kubepods/pids.max' : 'pids/kubepods/pids.max'), '7')
    limits = { memoryBytes: 500 }
    await clock.advance(60_000)
    assert.equal(memory('kubepods'), '500')
    ending.abort()
    await running
  })
}
