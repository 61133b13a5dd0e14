import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cniNetwork } from '../../kubelet/network/cni-network.ts'
import { createDockerRuntime } from '../../kubelet/runtime/docker/docker-runtime.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'

/** A Docker driver of its own node name and pod range on this machine's engine; `reopen` is the kubelet after a restart. */
export async function dockerUnderTest(podRange = '10.199.71.0/24') {
  const socketPath = '/var/run/docker.sock'
  if (!existsSync(socketPath)) throw new Error(`no Docker Engine at ${socketPath}: run deploy/engine.sh first`)
  const clock = realClock()
  const log = silentLogger()
  const stateDir = await mkdtemp(join(tmpdir(), 'coxswain-network-'))
  const nodeName = `contract-${systemRandom().nameSuffix(6)}`
  const reopen = () => {
    const pluginDirs = ['/opt/cni/bin', '/usr/lib/cni']
    const network = cniNetwork({
      configDir: join(stateDir, 'none'),
      pluginDirs,
      stateDir,
      podRanges: () => [podRange],
      mtu: 1500,
      clock,
      log,
    })
    const runtime = createDockerRuntime({ socketPath, nodeName, network, pauseImage: 'registry.k8s.io/pause:3.10', clock, log })
    return { runtime, network }
  }
  const opened = reopen()
  return { ...opened, reopen, stateDir, clock, image: 'busybox', dispose: () => rm(stateDir, { recursive: true }) }
}
