import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerLimits, ContainerState } from '../runtime/container-runtime.ts'
import { planResize } from './resize-plan.ts'

const MEBIBYTE = 2 ** 20
/** 100m, limited to 200m and 64 MiB, as the kernel has it. */
const has: ContainerLimits = { cpuShares: 102, cpuQuota: 20_000, memoryLimitBytes: 64 * MEBIBYTE }

function plan(
  resources: object,
  actual: ContainerLimits | undefined,
  policies: Record<string, string> = {},
  state: ContainerState = 'running',
) {
  const resizePolicy = Object.entries(policies).map(([resourceName, restartPolicy]) => ({ resourceName, restartPolicy }))
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'x', resources, resizePolicy }] },
    status: {},
  }
  const status = { id: 'id', sandboxId: 's', podUid: 'u', name: 'c', attempt: 0, state, image: 'x', imageId: '', createdAt: 0, labels: {} }
  const { update, stop } = planResize(pod, { sandboxes: [], containers: [{ ...status, resources: actual }] })
  return [...update.map(({ wanted }) => wanted), ...stop.map(({ message }) => message)]
}

test('containers are changed where they run, or restarted where they want that', () => {
  const granted = { requests: { cpu: '100m', memory: '32Mi' }, limits: { cpu: '200m', memory: '64Mi' } }
  const moreCpu = { ...granted, limits: { ...granted.limits, cpu: '500m' } }
  const moreMemory = { ...granted, limits: { ...granted.limits, memory: '96Mi' } }
  const restart = 'Container c resize requires restart'
  const table: [string, unknown[], unknown[]][] = [
    ['nothing differs', plan(granted, has), []],
    ['CPU', plan(moreCpu, has), [{ ...has, cpuQuota: 50_000 }]],
    ['a request alone', plan({ ...granted, requests: { cpu: '150m', memory: '32Mi' } }, has), [{ ...has, cpuShares: 153 }]],
    ['memory', plan(moreMemory, has), [{ ...has, memoryLimitBytes: 96 * MEBIBYTE }]],
    ['a request of memory is nothing to the kernel', plan({ ...granted, requests: { cpu: '100m', memory: '48Mi' } }, has), []],
    ['memory with a restart', plan(moreMemory, has, { memory: 'RestartContainer' }), [restart]],
    ['the policy of the other resource', plan(moreCpu, has, { memory: 'RestartContainer' }), [{ ...has, cpuQuota: 50_000 }]],
    ['a limit that comes', plan(granted, { cpuShares: 102 }), [has]],
    // The API lets none go; a limit that is left over must not be fought about for ever.
    ['a limit that is left over', plan({ requests: { cpu: '100m' } }, has), []],
    ['what has ended', plan(moreCpu, has, {}, 'exited'), []],
    ['a runtime that does not say', plan(moreCpu, undefined), []],
  ]
  for (const [name, found, expected] of table) assert.deepEqual(found, expected, name)
})
