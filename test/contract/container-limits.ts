import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ContainerConfig, ContainerRuntime } from '../../kubelet/runtime/container-runtime.ts'

export interface LimitsBench {
  /** Made before the first test. */
  runtime: () => ContainerRuntime
  /** A command that runs until it is stopped. */
  forever: readonly string[]
  sandbox: () => Promise<{ id: string }>
  started: (sandboxId: string, command: readonly string[], overrides: Partial<ContainerConfig>) => Promise<string>
}

/** What every runtime must do with limits of containers that run. */
export function containerLimits(bench: LimitsBench): void {
  const { signal } = new AbortController()

  it('changes what a running container may have, leaves the rest, and says what it has', async () => {
    const runtime = bench.runtime()
    const { id: sandboxId } = await bench.sandbox()
    const MEBIBYTE = 2 ** 20
    const limits = { cpuShares: 102, cpuQuota: 20_000, memoryLimitBytes: 64 * MEBIBYTE }
    const id = await bench.started(sandboxId, bench.forever, { resources: { ...limits, oomScoreAdjust: 1000 } })
    const shown = async () => {
      const { cpuShares, cpuQuota, memoryLimitBytes } = (await runtime.containerStatus(id, signal))?.resources ?? {}
      return { cpuShares, cpuQuota, memoryLimitBytes }
    }
    assert.deepEqual(await shown(), limits)
    const wanted = { cpuShares: 512, cpuQuota: 60_000, memoryLimitBytes: 96 * MEBIBYTE }
    await runtime.updateContainer(id, wanted, signal)
    assert.deepEqual(await shown(), wanted)
    await runtime.updateContainer(id, { cpuShares: 256 }, signal)
    assert.deepEqual(await shown(), { ...wanted, cpuShares: 256 })
    assert.equal((await runtime.containerStatus(id, signal))?.state, 'running')
    const listed = (await runtime.listContainers({}, signal)).find((one) => one.id === id)
    assert.equal(listed?.resources?.memoryLimitBytes, 96 * MEBIBYTE)
    await runtime.removeContainer(id, signal)
    await runtime.updateContainer(id, wanted, signal)
  })
}
