import { join } from 'node:path'
import { runtimeNetwork } from '../../kubelet/network/runtime-network.ts'
import { createCriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { privateContainerd } from '../harness/private-containerd.ts'

/** A CRI driver over a containerd of its own; `reopen` is the kubelet after a restart. */
export async function criUnderTest(podRange = '10.199.76.0/24') {
  const containerd = await privateContainerd(['busybox', 'registry.k8s.io/pause:3.10'])
  const clock = realClock()
  const log = silentLogger()
  const { endpoint, folder, networkConfigDir } = containerd
  const nodeName = `contract-${systemRandom().nameSuffix(6)}`
  const logsDir = join(folder, 'pods')
  const stateDir = join(folder, 'network')
  const reopen = () => createCriRuntime({ endpoint, nodeName, logsDir, clock, log })
  const runtime = reopen()
  const runtimeProblem = (signal: AbortSignal) => runtime.networkProblem(signal)
  const network = runtimeNetwork({ configDir: networkConfigDir, stateDir, podRanges: () => [podRange], mtu: 1500, runtimeProblem, clock })
  const problem = await network.problem()
  if (problem !== undefined) throw new Error(problem)
  return { runtime, network, reopen, containerd, logsDir, stateDir, clock, image: 'busybox', dispose: () => containerd.dispose() }
}
