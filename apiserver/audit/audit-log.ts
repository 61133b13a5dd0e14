import type { Logger } from '../../shared/logging/logger.ts'
import type { AuditMetrics } from './audit-metrics.ts'
import type { AuditSink } from './audit-trail.ts'

/** Where the lines go. */
export interface AuditOutput {
  /** @throws Error when they are not there, or only in part */
  append(bytes: Buffer): Promise<void>
  close(): Promise<void>
}

export type AuditLogMode = 'batch' | 'blocking' | 'blocking-strict'

export interface AuditLogOptions {
  readonly output: AuditOutput
  readonly mode: AuditLogMode
  /** Events that may wait. */
  readonly capacity: number
  readonly metrics: AuditMetrics
  readonly log: Logger
}

/** Characters of all events that wait. */
const MOST_WAITING = 64 * 1024 * 1024
/** Characters that are written at once. */
const CHUNK = 1024 * 1024

interface Waiting {
  readonly event: string
  readonly settle: ((isWritten: boolean) => void) | undefined
}

/**
 * Writes events one after the other, and all that wait together. Those for which there is no room, and those that cannot be written, are lost and
 * counted; what is written is in the hands of the machine, not yet on its disk, as upstream.
 */
export class AuditLog implements AuditSink {
  readonly #options: AuditLogOptions
  readonly #waiting: Waiting[] = []
  #characters = 0
  #writing: Promise<void> | undefined
  #lost = 0

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  write(event: string): Promise<boolean> | undefined {
    const { mode, capacity, metrics } = this.#options
    metrics.event()
    const isFull = this.#waiting.length >= capacity || this.#characters + event.length > MOST_WAITING
    if (isFull) this.#lose(1, undefined)
    if (mode === 'batch') {
      if (!isFull) this.#add({ event, settle: undefined })
      return undefined
    }
    if (isFull) return Promise.resolve(mode !== 'blocking-strict')
    return new Promise((resolve) => this.#add({ event, settle: (isWritten) => resolve(isWritten || mode === 'blocking') }))
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await this.#writing
    await this.#options.output.close()
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.#characters += waiting.event.length
    this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What is said in this turn goes together.
      await new Promise<void>((resolve) => setImmediate(resolve))
      await this.#writeSome(this.#take())
    }
    this.#writing = undefined
  }

  #take(): Waiting[] {
    let characters = 0
    let count = 0
    for (const { event } of this.#waiting) {
      if (count > 0 && characters + event.length > CHUNK) break
      characters += event.length
      count++
    }
    this.#characters -= characters
    return this.#waiting.splice(0, count)
  }

  async #writeSome(taken: readonly Waiting[]): Promise<void> {
    let isWritten = true
    try {
      await this.#options.output.append(Buffer.from(taken.map(({ event }) => event).join('')))
      this.#found()
    } catch (error) {
      isWritten = false
      this.#lose(taken.length, error)
    }
    for (const { settle } of taken) settle?.(isWritten)
  }

  /** Said once, until events are written again: a full disk must not fill another log. */
  #lose(count: number, error: unknown): void {
    const { metrics, log } = this.#options
    metrics.lost(count)
    if (this.#lost === 0)
      log.error('audit events are lost: they cannot be written', error === undefined ? { why: 'too many wait' } : { error })
    this.#lost += count
  }

  #found(): void {
    if (this.#lost > 0) this.#options.log.warn('audit events are written again', { lost: this.#lost })
    this.#lost = 0
  }
}
