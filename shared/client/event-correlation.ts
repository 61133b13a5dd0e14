/** What correlation looks at: everything that makes two events the same, apart from their message. */
export interface EventFacts {
  /** Source and involved object. */
  subject: string
  type: string
  reason: string
  message: string
}

/** What to do with one event. */
export type Verdict =
  | { action: 'drop' }
  /** `key` is the identity under which repeats are counted; `message` may have been replaced. */
  | { action: 'write'; key: string; message: string }

/** More than this many different messages in the window become one event. */
const SIMILAR_LIMIT = 10
const SIMILAR_WINDOW_MILLISECONDS = 600_000
/** A subject may emit this many at once, and one more each five minutes. */
const BURST = 25
const REFILL_MILLISECONDS = 300_000
const REMEMBERED = 4096

/**
 * Keeps a chatty source from flooding the server (figures of client-go's EventCorrelator): too many events about one subject are
 * dropped, events that differ in nothing but the message are combined.
 */
export class EventCorrelation {
  readonly #tokens = new Map<string, { left: number; at: number }>()
  readonly #similar = new Map<string, { messages: Set<string>; at: number }>()

  judge(event: EventFacts, now: number): Verdict {
    const kindOfEvent = [event.subject, event.type, event.reason].join('\0')
    const similar = this.#similar.get(kindOfEvent)
    const fresh = !similar || now - similar.at > SIMILAR_WINDOW_MILLISECONDS
    const messages = fresh ? new Set<string>() : similar.messages
    if (messages.size < SIMILAR_LIMIT) messages.add(event.message)
    remember(this.#similar, kindOfEvent, { messages, at: now })
    if (!this.#take(event.subject, now)) return { action: 'drop' }
    if (messages.size < SIMILAR_LIMIT) return { action: 'write', key: `${kindOfEvent}\0${event.message}`, message: event.message }
    return { action: 'write', key: kindOfEvent, message: `(combined from similar events): ${event.message}` }
  }

  #take(subject: string, now: number): boolean {
    const bucket = this.#tokens.get(subject) ?? { left: BURST, at: now }
    const left = Math.min(BURST, bucket.left + Math.max(0, now - bucket.at) / REFILL_MILLISECONDS)
    remember(this.#tokens, subject, { left: left >= 1 ? left - 1 : left, at: now })
    return left >= 1
  }
}

/** Puts the entry last and forgets the one not used for longest when there are too many. */
export function remember<V>(entries: Map<string, V>, key: string, value: V): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size > REMEMBERED) entries.delete(entries.keys().next().value!)
}
