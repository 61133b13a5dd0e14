import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { PodWorkers } from '../pods/pod-workers.ts'
import { allowDelayOfLogind, hasLogind, logind } from './logind.ts'
import { type NodeShutdown, nodeShutdown } from './node-shutdown.ts'
import { powerSignal } from './power-signal.ts'
import { type ShutdownSettings, shutdownPeriods } from './shutdown-periods.ts'

export interface MachineShutdownOptions {
  settings: ShutdownSettings
  workers: () => PodWorkers
  /** Called when pods have ended because of a SIGPWR. */
  onPowerFailure: () => void
  node: () => Node | undefined
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** The file that upstream's kubelet writes, too. */
const LOGIND_FILE = '/etc/systemd/logind.conf.d/99-kubelet.conf'

/** The end of this machine: by logind where systemd runs it, and by SIGPWR everywhere. @throws ConfigError */
export function createShutdown({ settings, workers, onPowerFailure, ...tools }: MachineShutdownOptions): NodeShutdown {
  const periods = shutdownPeriods(settings)
  const delay = periods.reduce((sum, { seconds }) => sum + seconds, 0) * 1_000
  const allowDelay = (milliseconds: number, signal: AbortSignal) => allowDelayOfLogind(LOGIND_FILE, milliseconds, signal)
  return nodeShutdown({
    ...{ ...tools, periods },
    sources: [powerSignal(onPowerFailure), ...(hasLogind() ? [logind({ delay, allowDelay })] : [])],
    pods: () => workers().list(),
    end: (pod, verdict) => workers().end(pod.metadata.uid ?? '', verdict),
  })
}
