import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerRuntime, ContainerStats } from '../runtime/container-runtime.ts'
import type { MachineUsage } from './machine-usage.ts'

export interface MeasuredContainer {
  readonly name: string
  readonly id: string
  readonly image: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly stats: ContainerStats
}

export interface MeasuredPod {
  readonly pod: Pod
  /** Those that run. */
  readonly containers: readonly MeasuredContainer[]
}

/** What was used up to one moment. */
export interface Usage {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly machine: MachineUsage
  readonly pods: readonly MeasuredPod[]
  /** Containers that could not be measured, other than by having ended. */
  readonly failures: number
}

export interface MeterSources {
  readonly runtime: Pick<ContainerRuntime, 'listContainers' | 'stats'>
  pods(): readonly Pod[]
  machine(): Promise<MachineUsage>
  readonly clock: Clock
}

/** How long a measurement serves everybody who asks. Milliseconds. */
const FRESH = 1_000
/** Usage per second is counted from an earlier look that is at most this old: an older one says nothing about now. */
const OLDEST = 2 * 60_000
/** Without one, how far apart two looks are taken. */
const GLANCE = 500
/** An engine that takes longer to answer is as good as down. */
const PATIENCE = 10_000

/**
 * Measures on request and never by itself: a node that nobody asks about spends nothing on it. A look is one call to the engine and a
 * few small files a container.
 */
export class UsageMeter {
  readonly #sources: MeterSources
  #last: Usage | undefined
  #before: Usage | undefined
  #running: Promise<Usage> | undefined

  constructor(sources: MeterSources) {
    this.#sources = sources
  }

  /** What is used now, or was a moment ago. @throws Error when the engine or the machine cannot be asked */
  async measure(signal: AbortSignal): Promise<Usage> {
    const { clock } = this.#sources
    if (this.#last && clock.now() - this.#last.at < FRESH) return this.#last
    // Everybody who asks meanwhile is given the same look; whoever leaves must not end it for the others.
    this.#running ??= this.#lookInTime().finally(() => {
      this.#running = undefined
    })
    const usage = await this.#running
    signal.throwIfAborted()
    return usage
  }

  /** The same with CPU per second, counted since an earlier look. */
  async measureRates(signal: AbortSignal): Promise<{ usage: Usage; rates: CpuRates }> {
    const { clock } = this.#sources
    let usage = await this.measure(signal)
    if (!this.#before || usage.at - this.#before.at > OLDEST) {
      await clock.sleep(FRESH + GLANCE - Math.min(FRESH, clock.now() - usage.at), signal)
      usage = await this.measure(signal)
    }
    return { usage, rates: cpuRates(this.#before, usage) }
  }

  async #lookInTime(): Promise<Usage> {
    const limit = new AbortController()
    const timer = this.#sources.clock.after(PATIENCE, () => limit.abort(new Error(`no answer within ${PATIENCE / 1000} s`)))
    try {
      return await this.#look(limit.signal)
    } finally {
      timer.cancel()
    }
  }

  async #look(signal: AbortSignal): Promise<Usage> {
    const { runtime, machine, clock } = this.#sources
    const [all, ofMachine] = await Promise.all([runtime.listContainers({}, signal), machine()])
    let failures = 0
    const measured = new Map<string, MeasuredContainer[]>()
    const running = all.filter((container) => container.state === 'running')
    await Promise.all(
      running.map(async ({ id, podUid, name, image, startedAt, createdAt }) => {
        const stats = await runtime.stats(id, signal).catch(() => {
          failures++
          return undefined
        })
        if (!stats) return
        const own = measured.get(podUid) ?? []
        measured.set(podUid, own)
        own.push({ name, id, image, startedAt: startedAt ?? createdAt, stats })
      }),
    )
    const pods = this.#sources.pods().map((pod) => ({ pod, containers: sorted(measured.get(pod.metadata.uid ?? '') ?? []) }))
    this.#before = this.#last
    this.#last = { at: clock.now(), machine: ofMachine, pods, failures }
    return this.#last
  }
}

/** Nanocores by container id; the machine's under the empty id. */
export type CpuRates = ReadonlyMap<string, number>

/** CPU per second between two looks; nothing for what the earlier one did not see, or for a counter that went back. */
export function cpuRates(before: Usage | undefined, now: Usage): CpuRates {
  const rates = new Map<string, number>()
  if (!before) return rates
  const add = (id: string, used: bigint, milliseconds: number) => {
    if (milliseconds > 0 && used >= 0n) rates.set(id, Math.round((Number(used) * 1000) / milliseconds))
  }
  add('', now.machine.cpuNanoseconds - before.machine.cpuNanoseconds, now.at - before.at)
  const earlier = new Map(before.pods.flatMap(({ containers }) => containers.map(({ id, stats }) => [id, stats])))
  for (const { containers } of now.pods) {
    for (const { id, stats } of containers) {
      const old = earlier.get(id)
      if (old) add(id, stats.cpuNanoseconds - old.cpuNanoseconds, stats.measuredAt - old.measuredAt)
    }
  }
  return rates
}

function sorted(containers: MeasuredContainer[]): MeasuredContainer[] {
  return containers.sort((a, b) => (a.name < b.name ? -1 : 1))
}
