import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import type { PodNetwork } from '../../network/pod-network.ts'
import { type ContainerRuntime, RuntimeError } from '../container-runtime.ts'
import { readHostLimits } from '../host-limits.ts'
import type { LogLimits } from '../log-limits.ts'
import { limitAllPods } from '../pod-cgroup.ts'
import { portDialer } from '../port-dialer.ts'
import { dockerClient } from './docker-client.ts'
import { dockerContainers } from './docker-containers.ts'
import { dockerDisk } from './docker-disk.ts'
import { EarlyOutput } from './docker-early-output.ts'
import { dockerEvents } from './docker-events.ts'
import { dockerImages } from './docker-images.ts'
import { dockerInspect } from './docker-inspect.ts'
import { dockerLogs } from './docker-logs.ts'
import { type DockerParts, dockerSandboxes } from './docker-sandboxes.ts'
import { dockerSessions } from './docker-sessions.ts'
import { dockerStats } from './docker-stats.ts'

export interface DockerRuntimeOptions {
  /** e.g. `/var/run/docker.sock`. */
  socketPath: string
  /** The node that owns the containers; others' on the same engine are neither seen nor touched. */
  nodeName: string
  network: PodNetwork
  pauseImage: string
  /** Absent: the usual. */
  logs?: LogLimits | undefined
  clock: Clock
  log: Logger
}

/** The container runtime over a Docker engine. Nothing is asked of the engine before the first call. */
export function createDockerRuntime(options: DockerRuntimeOptions): ContainerRuntime {
  const { clock, log } = options
  const docker = dockerClient(options.socketPath)
  const inspect = dockerInspect(docker)
  const images = dockerImages(docker)
  const dialer = portDialer(clock)
  const early = new EarlyOutput(docker, log)

  let asked: ReturnType<DockerParts['engine']> | undefined
  const ask = async () => {
    const [info, limits] = await Promise.all([
      docker.call<{ CgroupDriver?: string; DockerRootDir?: string }>('GET', '/info'),
      readHostLimits(),
    ])
    return { cgroupDriver: info.CgroupDriver ?? 'cgroupfs', rootDir: info.DockerRootDir, limits }
  }
  const engine = () => {
    // A failure is not remembered: the engine may only be starting.
    asked ??= ask().catch((error) => {
      asked = undefined
      throw error
    })
    return asked
  }

  const parts: DockerParts = {
    docker,
    node: options.nodeName,
    network: options.network,
    inspect,
    engine,
    pull: images.pullImage,
    pauseImage: options.pauseImage,
    logs: options.logs,
    log,
  }
  return {
    async version(signal) {
      const version = await docker.call<{ Version: string; ApiVersion: string }>('GET', '/version', { signal })
      return { name: 'docker', version: version.Version, apiVersion: version.ApiVersion }
    },
    ...dockerSandboxes(parts),
    limitPods: async (limits) => limitAllPods((await engine()).cgroupDriver, limits),
    ...dockerContainers(parts, early),
    ...images,
    ...dockerSessions({ ...parts, early, clock }),
    logs: dockerLogs({ docker, inspect, clock }),
    ...dockerStats(inspect, clock),
    logPath: async (id, signal) => (await inspect.fresh(id, signal))?.LogPath || undefined,
    writtenBytes: dockerDisk(docker),
    imageFolder: async () => (await engine()).rootDir,
    events: dockerEvents({ docker, node: options.nodeName, inspect, clock, log }),
    async connectPort(sandboxId, port, signal) {
      const details = await inspect.fresh(sandboxId, signal)
      if (!details?.State.Running) throw new RuntimeError('PortForwardError', `sandbox ${sandboxId} is not running`)
      return dialer.dial(sandboxId, details.State.Pid, port, signal)
    },
  }
}
