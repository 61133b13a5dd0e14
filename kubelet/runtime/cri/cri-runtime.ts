import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { type ContainerRuntime, RuntimeError } from '../container-runtime.ts'
import { readHostLimits } from '../host-limits.ts'
import type { LogLimits } from '../log-limits.ts'
import { label } from '../owner-labels.ts'
import { limitAllPods } from '../pod-cgroup.ts'
import { portDialer } from '../port-dialer.ts'
import { criClient } from './cri-client.ts'
import { criContainers } from './cri-containers.ts'
import type { CriPlace } from './cri-create.ts'
import { criEvents } from './cri-events.ts'
import { criImages } from './cri-images.ts'
import { criInspect } from './cri-inspect.ts'
import { criLogs } from './cri-logs.ts'
import { readCgroupDriver, runtimeProblems } from './cri-node.ts'
import { rotateLogs, type WrittenLog } from './cri-rotation.ts'
import { criSandboxes, sandboxPid } from './cri-sandboxes.ts'
import { criSessions } from './cri-sessions.ts'
import { criStats } from './cri-stats.ts'

export interface CriRuntimeOptions {
  /** e.g. `unix:///run/containerd/containerd.sock`. */
  endpoint: string
  /** The node that owns the containers; others' on the same runtime are neither seen nor touched. */
  nodeName: string
  /** Where logs lie for log agents, e.g. `/var/log/pods`. */
  logsDir: string
  /** Absent: the usual. */
  logs?: LogLimits | undefined
  clock: Clock
  log: Logger
}

/** A runtime that is spoken to by the Container Runtime Interface. */
export interface CriRuntime extends ContainerRuntime {
  /** Why the runtime cannot connect pods, or undefined. */
  networkProblem(signal: AbortSignal): Promise<string | undefined>
  /** Begins new log files where old ones grew large, until the signal aborts. */
  rotateLogs(signal: AbortSignal): Promise<void>
}

/** The container runtime over any CRI runtime: containerd, CRI-O. Nothing is asked of it before the first call. */
export function createCriRuntime(options: CriRuntimeOptions): CriRuntime {
  const { clock, log, nodeName: node } = options
  const cri = criClient(options.endpoint, clock)
  const inspect = criInspect(cri)
  const dialer = portDialer(clock)
  const { events, changed } = criEvents({ cri, node, inspect, clock, log })

  let asked: Promise<CriPlace> | undefined
  const ask = async () => {
    const [cgroupDriver, limits] = await Promise.all([readCgroupDriver(cri), readHostLimits()])
    return { logsDir: options.logsDir, cgroupDriver, limits }
  }
  const place = () => {
    // A failure is not remembered: the runtime may only be starting.
    asked ??= ask().catch((error) => {
      asked = undefined
      throw error
    })
    return asked
  }

  const parts = { cri, node, inspect, place, changed, clock, log }
  const containers = criContainers(parts)
  const runningLogs = async (signal: AbortSignal): Promise<WrittenLog[]> => {
    const filter = { labelSelector: { [label.node]: node } }
    const { containers: listed } = await cri.call('ListContainers', { filter }, { signal })
    const running = await Promise.all(listed.filter(({ state }) => state === 'CONTAINER_RUNNING').map((one) => inspect.of(one, signal)))
    return running.flatMap((one) => (one?.logPath ? [{ containerId: one.status.id, path: one.logPath }] : []))
  }

  return {
    async version(signal) {
      const { runtimeName, runtimeVersion, runtimeApiVersion } = await cri.call('Version', { version: '0.1.0' }, { signal })
      return { name: runtimeName, version: runtimeVersion, apiVersion: runtimeApiVersion }
    },
    ...criSandboxes(parts),
    limitPods: async (limits) => limitAllPods((await place()).cgroupDriver, limits),
    ...containers,
    ...criImages(cri),
    ...criSessions({ cri, inspect, clock, log }),
    logs: criLogs(inspect, clock),
    logPath: async (id, signal) => (await inspect.fresh(id, signal))?.logPath || undefined,
    ...criStats(cri, inspect, clock),
    events,
    async connectPort(sandboxId, port, signal) {
      const pid = (await sandboxPid(cri, sandboxId, signal)) ?? (await memberPid(sandboxId, signal))
      if (pid === undefined) throw new RuntimeError('PortForwardError', `sandbox ${sandboxId} is not running`)
      return dialer.dial(sandboxId, pid, port, signal)
    },
    networkProblem: (signal) => runtimeProblems(cri, signal).then(({ network }) => network),
    rotateLogs: (signal) => rotateLogs({ cri, logs: runningLogs, limits: options.logs, clock, log }, signal),
  }

  /** Some runtimes keep a sandbox's namespaces without a process; its containers are in them all the same. */
  async function memberPid(sandboxId: string, signal: AbortSignal): Promise<number | undefined> {
    const { containers: listed } = await cri.call(
      'ListContainers',
      { filter: { labelSelector: { [label.sandbox]: sandboxId } } },
      { signal },
    )
    const running = listed.find(({ state }) => state === 'CONTAINER_RUNNING')
    return running && (await inspect.of(running, signal))?.pid
  }
}
