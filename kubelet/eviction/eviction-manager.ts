import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import type { PressureKind } from '../node/pressure.ts'
import { IMMEDIATE_GRACE_SECONDS } from '../pods/local-storage.ts'
import type { Verdict } from '../pods/pod-admission.ts'
import { graceSecondsOf } from '../pods/pod-containers.ts'
import { isMet, lookForShortages, NOTHING_SHORT } from './shortage-plan.ts'
import { type Observations, SIGNALS, type Starved } from './signals.ts'
import type { Threshold } from './thresholds.ts'
import { type Candidate, evictionMessage, rankVictims } from './victims.ts'

export interface EvictionOptions {
  thresholds: readonly Threshold[]
  /** Milliseconds after which pressure that is not seen any more counts as over. */
  transitionMilliseconds: number
  /** Seconds that a pod gets at most when a soft threshold ends it. */
  mostGraceSeconds: number
  observe(signal: AbortSignal): Promise<Observations>
  /** What each pod uses of what is short. */
  candidates(starved: Starved, signal: AbortSignal): Promise<Candidate[]>
  /** Frees disk at nobody's cost: remains of ended pods, images without use. */
  reclaimDisk(signal: AbortSignal): Promise<void>
  /** Ends a pod; resolves when nothing of it runs any more. */
  evict(pod: Pod, verdict: Verdict): Promise<void>
  node(): Node | undefined
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** Keeps the node from running out of memory, disk and processes at the cost of those pods that are owed least. */
export interface EvictionManager {
  /** What is short, by the last look. */
  readonly pressure: ReadonlySet<PressureKind>
  /** Looks every ten seconds, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** One look, and what follows from it. */
  look(signal: AbortSignal): Promise<void>
  /** Called when the sorts of pressure have changed. */
  onChange(listener: () => void): void
}

/** Upstream's period, and its patience for an evicted pod to give back what it had. */
const EVERY_MILLISECONDS = 10_000
const CLEANUP_MILLISECONDS = 30_000

export function evictionManager(options: EvictionOptions): EvictionManager {
  const { thresholds, clock, log, events } = options
  let memory = NOTHING_SHORT
  let pressure: ReadonlySet<PressureKind> = new Set()
  const listeners = new Set<() => void>()

  async function look(signal: AbortSignal): Promise<void> {
    const observations = await options.observe(signal)
    const found = lookForShortages(memory, thresholds, observations, clock.monotonic(), options.transitionMilliseconds)
    memory = found.memory
    const hasChanged = [...found.pressure].join() !== [...pressure].join()
    pressure = found.pressure
    if (hasChanged) for (const listener of listeners) listener()
    const [threshold] = found.due
    if (threshold) await relieve(threshold, observations, signal)
  }

  /** At most one pod a look: what it gives back may be enough. */
  async function relieve(threshold: Threshold, observations: Observations, signal: AbortSignal): Promise<void> {
    const { pressure: kind, starved } = SIGNALS[threshold.signal]
    log.warn('the node is short of something', {
      signal: threshold.signal,
      threshold: threshold.limit.text,
      available: observations.get(threshold.signal)?.available,
    })
    const node = options.node()
    if (node) events.record(node, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${starved}`)
    let amounts = observations
    if (kind === 'disk') {
      try {
        await options.reclaimDisk(signal)
      } catch (error) {
        signal.throwIfAborted()
        log.warn('not all of the disk that nobody needs could be had', { error: String(error) })
      }
      amounts = await options.observe(signal)
      if (!isMet(threshold, amounts, true)) return
    }
    const amount = amounts.get(threshold.signal)
    const [victim] = rankVictims(starved, await options.candidates(starved, signal))
    if (!victim || !amount) return log.warn('there is no pod that could be evicted', { signal: threshold.signal })
    const message = evictionMessage(starved, victim, threshold, amount)
    const { pod } = victim
    const graceSeconds = threshold.isHard ? IMMEDIATE_GRACE_SECONDS : Math.min(options.mostGraceSeconds, graceSecondsOf(pod))
    log.info('evicting a pod', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, signal: threshold.signal, message })
    events.record(pod, 'Warning', 'Evicted', message)
    await ended(options.evict(pod, { phase: 'Failed', reason: 'Evicted', message, graceSeconds, isDisruption: true }))
  }

  /** A pod that takes its time must not keep the node from looking again. */
  async function ended(eviction: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = clock.after(CLEANUP_MILLISECONDS, () => late.resolve())
    await Promise.race([eviction, late.promise]).finally(() => timer.cancel())
  }

  return {
    get pressure() {
      return pressure
    },
    look,
    onChange: (listener) => void listeners.add(listener),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await look(signal)
        } catch (error) {
          if (signal.aborted) return
          log.warn('the node could not be looked at for shortages; trying again', { error: String(error) })
        }
        await pause(clock, EVERY_MILLISECONDS, signal)
      }
    },
  }
}
