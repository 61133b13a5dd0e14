import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { SandboxConfig } from '../../kubelet/runtime/container-runtime.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { dockerUnderTest } from './docker-under-test.ts'
import { runtimeOnMachine } from './runtime-on-machine.ts'
import { sandboxConfig } from './runtime-subject.ts'

runtimeOnMachine('docker', '10.199.72', async (podRange) => {
  const subject = await dockerUnderTest(podRange)
  return { ...subject, restarted: () => subject.reopen().runtime }
})

/** What the driver does for the network, because this engine does not. */
describe('pod networks of the Docker driver', () => {
  const { signal } = new AbortController()
  const random = systemRandom()
  let subject: Awaited<ReturnType<typeof dockerUnderTest>>
  const made: string[] = []

  before(async () => {
    subject = await dockerUnderTest('10.199.78.0/24')
  })
  after(async () => {
    for (const { id } of await subject.runtime.listContainers({}, signal)) await subject.runtime.removeContainer(id, signal)
    for (const id of made) await subject.runtime.removeSandbox(id, signal)
    await subject.dispose()
  })

  async function sandbox(overrides: Partial<SandboxConfig> = {}) {
    const status = await subject.runtime.runSandbox(sandboxConfig(overrides), signal)
    made.push(status.id)
    return status
  }

  it('gives addresses back, also those of sandboxes that died without a word', async () => {
    const addresses = join(subject.stateDir, 'addresses', 'coxswain')
    const { id, ips } = await sandbox()
    const [address = ''] = ips
    assert.ok((await readdir(addresses)).includes(address))
    const { network, runtime } = subject.reopen()
    // The engine lost it behind the kubelet's back: nothing was detached.
    await dockerRemove(id)
    const living = (await runtime.listSandboxes({}, signal)).map((one) => one.id)
    await network.reclaim(new Set(living))
    assert.ok(!(await readdir(addresses)).includes(address))
  })

  async function dockerRemove(id: string): Promise<void> {
    const { dockerClient } = await import('../../kubelet/runtime/docker/docker-client.ts')
    await dockerClient('/var/run/docker.sock').call('DELETE', `/containers/${id}`, { query: { force: true } })
  }

  it('leaves nothing of a sandbox whose network could not be made', async () => {
    const { cniNetwork } = await import('../../kubelet/network/cni-network.ts')
    const { createDockerRuntime } = await import('../../kubelet/runtime/docker/docker-runtime.ts')
    const { silentLogger } = await import('../../shared/logging/logger.ts')
    const log = silentLogger()
    const { clock, stateDir } = subject
    const network = cniNetwork({
      configDir: stateDir,
      pluginDirs: ['/nowhere'],
      stateDir,
      podRanges: () => ['10.199.73.0/24'],
      mtu: 1500,
      clock,
      log,
    })
    assert.match((await network.problem()) ?? '', /failed to find plugin "ptp"/)
    const nodeName = `broken-${random.nameSuffix(5)}`
    const broken = createDockerRuntime({
      socketPath: '/var/run/docker.sock',
      nodeName,
      network,
      pauseImage: 'registry.k8s.io/pause:3.10',
      clock,
      log,
    })
    const whole = subject.runtime
    subject.runtime = broken
    try {
      await assert.rejects(sandbox(), /failed to create pod sandbox: failed to find plugin "ptp"/)
    } finally {
      subject.runtime = whole
    }
    assert.deepEqual(await broken.listSandboxes({}, signal), [])
  })
})
