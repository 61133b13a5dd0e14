import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import type { Verdict } from '../pods/pod-admission.ts'
import { graceSecondsOf } from '../pods/pod-containers.ts'
import { type ShutdownPeriod, shutdownGroups } from './shutdown-periods.ts'
import type { ShutdownSource } from './shutdown-source.ts'

export interface NodeShutdownOptions {
  /** Lowest priority first; empty: the node does not wait for its pods, and nothing is followed. */
  periods: readonly ShutdownPeriod[]
  /** The ways in which this machine says that it goes down. */
  sources: readonly ShutdownSource[]
  pods(): readonly Pod[]
  /** Ends a pod; resolves when nothing of it runs any more and that was told. */
  end(pod: Pod, verdict: Verdict): Promise<void>
  node(): Node | undefined
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** Ends the pods of a machine that goes down, in order and within their time (KEP-2000, KEP-2712), so that others take their place at once. */
export interface NodeShutdown {
  readonly isShuttingDown: boolean
  /** Follows the machine until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Called when it begins, and when it is called off. */
  onChange(listener: () => void): void
}

const MESSAGE = 'Pod was terminated in response to imminent node shutdown.'
/** A source that failed is followed again after this. */
const AGAIN_MILLISECONDS = 10_000

export function nodeShutdown(options: NodeShutdownOptions): NodeShutdown {
  const { periods, sources, clock, log } = options
  const listeners: (() => void)[] = []
  let isShuttingDown = false
  let ending: Promise<void> | undefined

  function turn(isGoing: boolean): void {
    isShuttingDown = isGoing
    const what = isGoing ? 'shutdown event' : 'shutdown cancellation'
    log.info(isGoing ? 'the machine goes down; pods end' : 'the machine does not go down after all; pods that were ended stay so')
    const node = options.node()
    if (node) options.events.record(node, 'Normal', 'NodeShutdown', `Shutdown manager detected ${what}`)
    for (const listener of listeners) listener()
  }

  /** Two sources may tell of one shutdown. */
  function shutDown(): Promise<void> {
    if (!isShuttingDown) turn(true)
    ending ??= endPods().finally(() => {
      ending = undefined
    })
    return ending
  }

  async function endPods(): Promise<void> {
    for (const { seconds, pods } of shutdownGroups(options.pods(), periods)) {
      if (!isShuttingDown) return log.info('the rest of the pods stay')
      const late = Promise.withResolvers<void>()
      const timer = clock.after(seconds * 1_000, () => {
        log.warn('pods have not ended within their time', { pods: pods.length, seconds })
        late.resolve()
      })
      await Promise.race([Promise.all(pods.map((pod) => end(pod, seconds))), late.promise]).finally(() => timer.cancel())
    }
    log.info('the machine may go down now')
  }

  async function end(pod: Pod, seconds: number): Promise<void> {
    const graceSeconds = Math.min(seconds, graceSecondsOf(pod))
    try {
      await options.end(pod, { phase: 'Failed', reason: 'Terminated', message: MESSAGE, graceSeconds, isDisruption: true })
    } catch (error) {
      log.warn('a pod could not be ended', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, error: String(error) })
    }
  }

  async function follow(source: ShutdownSource, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await source.follow(
          shutDown,
          () => {
            if (isShuttingDown) turn(false)
          },
          signal,
        )
        return
      } catch (error) {
        if (signal.aborted) return
        log.warn('the node would not hear of a shutdown of its machine; trying again', { error: String(error) })
        await pause(clock, AGAIN_MILLISECONDS, signal)
      }
    }
  }

  return {
    get isShuttingDown() {
      return isShuttingDown
    },
    onChange: (listener) => void listeners.push(listener),
    async run(signal) {
      if (periods.length > 0) await Promise.all(sources.map((source) => follow(source, signal)))
    },
  }
}
