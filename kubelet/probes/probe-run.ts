import type { Probe } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import type { ProbeOutcome } from './probe-outcome.ts'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

/** What a probe says of its container once its thresholds were reached. */
export interface Verdict {
  well: boolean
  /** Of the last failure. */
  message: string
}

export interface ProbeRunOptions {
  kind: ProbeKind
  probe: Probe
  /** What holds until a threshold is reached. */
  initially: boolean
  /** Milliseconds since the epoch. */
  containerStartedAt: number
  clock: Clock
  /** False: skip this turn (no address yet, not started yet). */
  mayRun(): boolean
  attempt(signal: AbortSignal): Promise<ProbeOutcome>
  /** Every failed attempt, for the pod's events. */
  onFailure(message: string): void
  /** Every attempt that went well with something to say. */
  onWarning(message: string): void
  /** Every change of the verdict. */
  onVerdict(verdict: Verdict): void
}

/** One probe of one running container: its schedule, its thresholds, its verdict. */
export class ProbeRun {
  readonly kind: ProbeKind
  readonly #options: ProbeRunOptions
  readonly #stopped = new AbortController()
  verdict: Verdict
  #same = 0
  #last: boolean | undefined
  #timer: Timer | undefined
  #due = 0

  constructor(options: ProbeRunOptions) {
    this.#options = options
    this.kind = options.kind
    this.verdict = { well: options.initially, message: '' }
  }

  start(): void {
    const { probe, containerStartedAt, clock } = this.#options
    const delay = Math.max(0, containerStartedAt + seconds(probe.initialDelaySeconds, 0) - clock.now())
    this.#schedule(clock.monotonic() + delay)
  }

  /** Asks now instead of at the next turn: what held it up has just gone. Before the initial delay is over it does nothing. */
  hurry(): void {
    const { probe, containerStartedAt, clock } = this.#options
    const earliest = containerStartedAt + seconds(probe.initialDelaySeconds, 0)
    if (this.#timer && clock.now() >= earliest) this.#schedule(clock.monotonic())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#stopped.abort()
  }

  #schedule(due: number): void {
    const { clock } = this.#options
    this.#timer?.cancel()
    this.#due = due
    this.#timer = clock.after(Math.max(0, due - clock.monotonic()), () => void this.#turn())
  }

  async #turn(): Promise<void> {
    this.#timer = undefined
    const { clock, probe } = this.#options
    if (this.#options.mayRun()) {
      const outcome = await this.#attempt()
      if (this.#stopped.signal.aborted) return
      this.#judge(outcome)
    }
    if (this.#isDecided()) return
    // The rhythm is kept, but turns that a slow answer made us miss are not made up for.
    const period = seconds(probe.periodSeconds, 10)
    this.#schedule(Math.max(this.#due + period, clock.monotonic()))
  }

  async #attempt(): Promise<ProbeOutcome> {
    const { clock, probe, attempt } = this.#options
    const limit = new AbortController()
    const timer = clock.after(seconds(probe.timeoutSeconds, 1), () => limit.abort(new Error('timeout')))
    try {
      return await attempt(AbortSignal.any([limit.signal, this.#stopped.signal]))
    } catch (error) {
      return { result: 'unknown', message: error instanceof Error ? error.message : String(error) }
    } finally {
      timer.cancel()
    }
  }

  #judge({ result, message }: ProbeOutcome): void {
    if (result === 'unknown') return
    const { probe, onFailure, onWarning, onVerdict } = this.#options
    const well = result !== 'failure'
    if (!well) onFailure(message)
    else if (result === 'warning') onWarning(message)
    this.#same = this.#last === well ? this.#same + 1 : 1
    this.#last = well
    const threshold = well ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (this.#same < threshold) return
    // A startup probe that fails for good was not well before either; it is told once, because the run ends with it.
    const isNews = this.verdict.well !== well || (this.kind === 'startup' && !well)
    this.verdict = { well, message: well ? '' : message }
    if (isNews) onVerdict(this.verdict)
  }

  /** Startup is decided either way; liveness only when it failed: the container is then killed and the next one probed anew. */
  #isDecided(): boolean {
    if (this.#stopped.signal.aborted) return true
    if (this.kind === 'startup' && this.verdict.well) return true
    return this.kind !== 'readiness' && this.failed
  }

  /** Liveness or startup: the failure threshold was reached. */
  get failed(): boolean {
    const { probe } = this.#options
    return this.kind !== 'readiness' && this.#last === false && this.#same >= (probe.failureThreshold ?? 3)
  }
}

const seconds = (value: number | undefined, fallback: number) => (value ?? fallback) * 1000
