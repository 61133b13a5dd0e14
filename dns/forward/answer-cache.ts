import { BoundedCache } from '../../shared/limits/bounded-cache.ts'
import { code, flag, type } from '../message/codes.ts'
import { endOfQuestion, type RecordPlace, recordPlaces } from '../message/sections.ts'

/** No answer from outside is kept longer, whatever it says (CoreDNS' usual `cache 30`). */
export const LONGEST_SECONDS = 30
const CACHE_BYTES = 16 << 20
/** A name of 255 octets, each escaped, and what is asked of it. */
const KEY_CHARACTERS = 1_100

interface Kept {
  answer: Buffer
  /** Where the TTLs stand. */
  ttls: readonly number[]
  /** Monotonic milliseconds. */
  since: number
  until: number
}

/**
 * Answers from outside, for as long as they say, half a minute at most. That there is nothing is kept as long as the SOA with it says (RFC 2308); without
 * one, and for every other code, not at all. Holds 16 MiB, the oldest go.
 */
export class AnswerCache {
  readonly #kept = new BoundedCache<Kept>({ bytes: CACHE_BYTES, keyCharacters: KEY_CHARACTERS })

  get size(): number {
    return this.#kept.size
  }

  /** A copy whose TTLs are what is left of them. @param now monotonic milliseconds */
  get(key: string, now: number): Buffer | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    if (now >= kept.until) {
      this.#kept.delete(key)
      return undefined
    }
    const answer = Buffer.from(kept.answer)
    const passed = Math.floor((now - kept.since) / 1000)
    for (const at of kept.ttls) answer.writeUInt32BE(Math.max(0, answer.readUInt32BE(at) - passed), at)
    return answer
  }

  set(key: string, answer: Buffer, now: number): void {
    const places = recordPlaces(answer)?.filter((place) => place.type !== type.OPT)
    const seconds = places && secondsOf(answer, places)
    if (!seconds) return
    const ttls = places.map(({ ttlAt }) => ttlAt)
    this.#kept.set(key, { answer, ttls, since: now, until: now + seconds * 1000 }, answer.length + 8 * ttls.length)
  }

  clear(): void {
    this.#kept.clear()
  }
}

/** How long the answer may be kept; 0 is not at all. */
function secondsOf(answer: Buffer, places: readonly RecordPlace[]): number {
  const flags = answer.readUInt16BE(2)
  const rcode = flags & 0x0f
  if ((flags & flag.truncated) !== 0 || (rcode !== code.ok && rcode !== code.missing)) return 0
  const end = endOfQuestion(answer)
  if (end === undefined) return 0
  const asked = answer.readUInt16BE(end - 4)
  const answers = places.filter(({ section }) => section === 'answer')
  const limits = answers.map(({ ttl }) => ttl)
  if (rcode === code.missing || !answers.some((place) => place.type === asked || asked === type.ANY)) {
    const soa = places.find((place) => place.section === 'authority' && place.type === type.SOA && place.end - place.data >= 22)
    if (!soa) return 0
    limits.push(soa.ttl, answer.readUInt32BE(soa.end - 4))
  }
  return Math.min(LONGEST_SECONDS, ...limits)
}
