import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { Mark, Storage } from './storage.ts'

/** How long the past is kept. Times in milliseconds. */
export interface RetentionPolicy {
  /** What clients may still watch from or page at; upstream compacts every five minutes, and clients rely on an answer of 410 after that. */
  readonly clientWindow: number
  /** What our own history features can look back on. */
  readonly historyWindow: number
  /** A bound for the values of the history; it wins over both windows, because a full disk takes no writes at all. */
  readonly historyBytes: number
}

export const DEFAULT_RETENTION: RetentionPolicy = {
  clientWindow: 5 * 60_000,
  historyWindow: 4 * 3_600_000,
  historyBytes: 512 * 2 ** 20,
}

/** Two horizons of one log; 0: nothing is forgotten. */
export interface Horizons {
  /** Clients that name an older revision are answered 410, although the log may still have it. */
  readonly client: number
  /** The log is forgotten up to and including this revision. */
  readonly log: number
}

/**
 * Where the horizons are, given some marks of the log in the order of their revisions, the newest last. A revision
 * expires when the one after it is older than the window: so long as it is the present, it is not the past.
 */
export function planHorizons(
  marks: readonly Mark[],
  now: number,
  { clientWindow, historyWindow, historyBytes }: RetentionPolicy,
): Horizons {
  const newest = marks[marks.length - 1]
  if (newest === undefined) return { client: 0, log: 0 }
  const lastBefore = (holds: (mark: Mark) => boolean) => marks.findLast(holds)?.revision ?? 0
  const byTime = lastBefore(({ time }) => time <= now - historyWindow)
  const bySize = lastBefore(({ bytes }) => newest.bytes - bytes >= historyBytes)
  const log = Math.max(byTime, bySize)
  return {
    client: Math.max(
      log,
      lastBefore(({ time }) => time <= now - clientWindow),
    ),
    log,
  }
}

export interface CompactorOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly policy?: RetentionPolicy | undefined
  /** Milliseconds between two looks: how much later than the window something expires at most. */
  readonly interval?: number | undefined
}

/** Marks taken of a log that was there before: enough to find an hour's place in it within minutes. */
const MARKS_AT_START = 64

/**
 * Moves the horizons as time goes by. It keeps a short list of marks, a new one with every look; at start it
 * takes them from the log, so that a restart neither forgets early nor keeps for ever.
 */
export class Compactor {
  readonly #options: CompactorOptions
  readonly #policy: RetentionPolicy
  #marks: Mark[] | undefined
  #client = 0

  constructor(options: CompactorOptions) {
    this.#options = options
    this.#policy = options.policy ?? DEFAULT_RETENTION
  }

  /** Requests for older revisions than this are to be answered 410 (reason Expired). */
  get clientHorizon(): number {
    return Math.max(this.#client, this.#options.storage.compacted)
  }

  /** Looks again and again until the signal aborts. A look that fails is logged and tried again at the next. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, interval = 30_000 } = this.#options
    while (!signal.aborted) {
      await this.look().catch((error: unknown) => logger.warn('the log could not be compacted', { error: String(error) }))
      // Rejects only because of the abort, which is the regular end.
      await clock.sleep(interval, signal).catch(() => {})
    }
  }

  /** Takes a mark, moves the horizons, and forgets what lies behind. @throws StorageUnavailable */
  async look(): Promise<void> {
    const { storage, clock, logger } = this.#options
    this.#marks ??= await this.#marksOfLog()
    const newest = await storage.mark(storage.revision)
    if (newest !== undefined && newest.revision > (this.#marks[this.#marks.length - 1]?.revision ?? 0)) this.#marks.push(newest)
    const { client, log } = planHorizons(this.#marks, clock.now(), this.#policy)
    // Time may jump back; what was refused once stays refused.
    this.#client = Math.max(this.#client, client)
    if (log <= storage.compacted) return
    const from = storage.compacted
    await storage.compact(log)
    this.#marks = this.#marks.filter((mark) => mark.revision > log)
    logger.debug('compacted the log', { from, to: log })
  }

  async #marksOfLog(): Promise<Mark[]> {
    const { storage } = this.#options
    const { compacted, revision } = storage
    const step = Math.max(1, Math.ceil((revision - compacted) / MARKS_AT_START))
    const marks: Mark[] = []
    for (let at = compacted + 1; at <= revision; at += step) {
      const mark = await storage.mark(at)
      if (mark !== undefined) marks.push(mark)
    }
    return marks
  }
}
