import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type NodeSample, readResourceMetrics } from './resource-sample.ts'
import { type NodeUsage, usageBetween } from './usage-window.ts'

/** The text of a node's `/metrics/resource`. @throws Error when the node cannot be reached or refuses */
export type ScrapeNode = (node: string, signal: AbortSignal) => Promise<string>

export interface ScraperTools {
  readonly scrape: ScrapeNode
  readonly clock: Clock
  readonly log: Logger
}

/** A look serves everybody who asks for this long (metrics-server looks every 15 s, and the autoscaler asks as often). Milliseconds. */
const FRESH = 10_000
/** A look that is older than this says nothing any more, and is no beginning of a window. */
const STALE = 90_000
/** How far apart two looks are taken where there is no earlier one; kubelets here look anew after a second. */
const GLANCE = 1_500
/** How long a node may take to answer. */
const PATIENCE = 5_000
/** How long a question waits for all its nodes; the rest is there for the next one. */
const ANSWER_WITHIN = 12_000
/** Nodes that are asked at the same time. */
const AT_ONCE = 32
/** Nodes that nobody asked about for this long are forgotten. */
const FORGET_AFTER = 5 * 60_000

interface Known {
  before: NodeSample | undefined
  last: NodeSample | undefined
  /** When the last look ended, and when the last try did. */
  lookedAt: number
  triedAt: number
  askedAt: number
  work: Promise<void> | undefined
}

/**
 * Looks at nodes when somebody asks, and only at those that are asked about: nothing runs by itself, and the cost follows the questions,
 * not the size of the cluster. What was seen is kept in memory only.
 */
export class NodeScraper {
  readonly #tools: ScraperTools
  readonly #known = new Map<string, Known>()
  readonly #waiting: (() => void)[] = []
  #busy = 0

  constructor(tools: ScraperTools) {
    this.#tools = tools
  }

  /** Usage of these nodes; those that nothing fresh is known of within reasonable time are left out. */
  async usageOf(nodes: Iterable<string>): Promise<ReadonlyMap<string, NodeUsage>> {
    const { clock } = this.#tools
    const now = clock.now()
    for (const [name, known] of this.#known) if (!known.work && now - known.askedAt > FORGET_AFTER) this.#known.delete(name)
    const wanted = new Map<string, Known>()
    for (const name of nodes) wanted.set(name, this.#ask(name, now))
    const work = [...wanted.values()].flatMap((known) => known.work ?? [])
    if (work.length > 0) await this.#within(Promise.all(work))
    const found = new Map<string, NodeUsage>()
    for (const [name, { before, last, lookedAt }] of wanted) {
      if (last && clock.now() - lookedAt < STALE) found.set(name, usageBetween(before, last))
    }
    return found
  }

  #ask(name: string, now: number): Known {
    const never = { before: undefined, last: undefined, lookedAt: Number.NEGATIVE_INFINITY, triedAt: Number.NEGATIVE_INFINITY }
    const known: Known = this.#known.get(name) ?? { ...never, askedAt: now, work: undefined }
    this.#known.set(name, known)
    known.askedAt = now
    if (!known.work && now - known.triedAt >= FRESH) {
      known.work = this.#look(name, known).finally(() => {
        known.work = undefined
      })
    }
    return known
  }

  /** One look; two where the last one is too long ago to count from. Never rejects: a node that does not answer is asked again later. */
  async #look(name: string, known: Known): Promise<void> {
    const { clock, log } = this.#tools
    try {
      const isFirst = clock.now() - known.lookedAt >= STALE
      await this.#once(name, known)
      if (!isFirst) return
      known.before = undefined
      await clock.sleep(GLANCE)
      await this.#once(name, known)
    } catch (error) {
      log.debug('a node did not say what it uses', { node: name, error })
    } finally {
      known.triedAt = clock.now()
    }
  }

  async #once(name: string, known: Known): Promise<void> {
    const { clock, scrape } = this.#tools
    if (this.#busy >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy++
    const limit = new AbortController()
    const timer = clock.after(PATIENCE, () => limit.abort(new Error(`no answer within ${PATIENCE / 1000} s`)))
    try {
      const sample = readResourceMetrics(await scrape(name, limit.signal), clock.now())
      known.before = known.last
      known.last = sample
      known.lookedAt = clock.now()
    } finally {
      timer.cancel()
      this.#busy--
      this.#waiting.shift()?.()
    }
  }

  async #within(work: Promise<unknown>): Promise<void> {
    const answered = new AbortController()
    const patience = this.#tools.clock.sleep(ANSWER_WITHIN, answered.signal).catch(() => undefined)
    await Promise.race([work, patience])
    answered.abort()
  }
}
