import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cniNetwork } from '../../kubelet/network/cni-network.ts'
import { createDockerRuntime } from '../../kubelet/runtime/docker-runtime.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { containerRuntimeContract } from './container-runtime.ts'

containerRuntimeContract('docker', async () => {
  const socketPath = '/var/run/docker.sock'
  if (!existsSync(socketPath)) throw new Error(`no Docker Engine at ${socketPath}: run deploy/engine.sh first`)
  const clock = realClock()
  const stateDir = await mkdtemp(join(tmpdir(), 'coxswain-network-'))
  const network = cniNetwork({
    configDir: join(stateDir, 'none'),
    pluginDirs: ['/opt/cni/bin', '/usr/lib/cni'],
    stateDir,
    podRange: () => '10.199.71.0/24',
    mtu: 1500,
    clock,
    log: silentLogger(),
  })
  const nodeName = `contract-${systemRandom().nameSuffix(6)}`
  const pauseImage = 'registry.k8s.io/pause:3.10'
  return {
    runtime: createDockerRuntime({ socketPath, nodeName, network, pauseImage, clock, log: silentLogger() }),
    clock,
    image: 'busybox',
    dispose: () => rm(stateDir, { recursive: true }),
  }
})
