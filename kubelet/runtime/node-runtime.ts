import type { Logger } from '../../shared/logging/logger.ts'
import { ConfigError } from '../../shared/process/config.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { KubeletConfig } from '../config.ts'
import { cniNetwork } from '../network/cni-network.ts'
import type { NodeNetwork } from '../network/pod-network.ts'
import { runtimeNetwork } from '../network/runtime-network.ts'
import type { ContainerRuntime } from './container-runtime.ts'
import { logLimits } from './log-limits.ts'

export interface NodeRuntimeOptions {
  config: KubeletConfig
  /** Undefined until the controller manager has given this node its range. */
  podRanges: () => readonly string[]
  mtu: number
  clock: Clock
  log: Logger
}

/** What runs this node's containers, and what connects them. */
export interface NodeRuntime {
  runtime: ContainerRuntime
  network: NodeNetwork
  /** As container ids are prefixed in the API, e.g. `docker`, `containerd`. Asked of the runtime where only that knows, until it answers. */
  name(signal: AbortSignal): Promise<string>
  /** Work that this runtime leaves to the kubelet, until the signal aborts. */
  housekeeping(signal: AbortSignal): Promise<void>
}

const ASK_AGAIN = 2_000

/** The runtime that the settings name: any by CRI, else the Docker engine. Only the one that is used is loaded: each brings its libraries. */
export async function nodeRuntime(options: NodeRuntimeOptions): Promise<NodeRuntime> {
  const { config, clock, log, podRanges, mtu } = options
  const { nodeName, networkStateDir: stateDir, cniConfigDir: configDir } = config
  const endpoint = runtimeEndpoint(config.containerRuntimeEndpoint)
  const logs = logLimits(config)
  if (endpoint === undefined) {
    const { createDockerRuntime } = await import('./docker/docker-runtime.ts')
    const network = cniNetwork({ configDir, pluginDirs: config.cniBinDirs, stateDir, mtu, clock, log, podRanges })
    const runtime = createDockerRuntime({
      socketPath: config.dockerSocket,
      nodeName,
      network,
      pauseImage: config.pauseImage,
      logs,
      clock,
      log,
    })
    return { runtime, network, name: async () => 'docker', housekeeping: async () => {} }
  }
  const { createCriRuntime } = await import('./cri/cri-runtime.ts')
  const runtime = createCriRuntime({ endpoint, nodeName, logsDir: config.podLogsDir, logs, clock, log })
  const runtimeProblem = (signal: AbortSignal) => runtime.networkProblem(signal)
  const network = runtimeNetwork({ configDir, stateDir, podRanges, mtu, runtimeProblem, clock })
  return { runtime, network, name: (signal) => nameOf(runtime, endpoint, { clock, log }, signal), housekeeping: runtime.rotateLogs }
}

/** `unix:///…`, also from a bare path, as upstream takes it. @throws ConfigError for what is neither */
export function runtimeEndpoint(text: string | undefined): string | undefined {
  if (!text) return undefined
  if (/^unix:\/\/\/.+/.test(text)) return text
  if (text.startsWith('/')) return `unix://${text}`
  throw new ConfigError(`--container-runtime-endpoint: ${JSON.stringify(text)} is not unix:///path/of/a/socket`)
}

async function nameOf(
  runtime: Pick<ContainerRuntime, 'version'>,
  endpoint: string,
  { clock, log }: { clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<string> {
  for (let isTold = false; ; isTold = true) {
    try {
      return (await runtime.version(signal)).name
    } catch (error) {
      signal.throwIfAborted()
      if (!isTold) log.info('waiting for the container runtime', { endpoint, error: String(error) })
      await clock.sleep(ASK_AGAIN, signal)
    }
  }
}
