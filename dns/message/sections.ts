import { HEAD_BYTES, type } from './codes.ts'
import { skipName } from './names.ts'

/** Where one record of a message stands. */
export interface RecordPlace {
  section: 'answer' | 'authority' | 'additional'
  /** Its first octet. */
  start: number
  type: number
  ttl: number
  /** Where its TTL stands. */
  ttlAt: number
  /** Where its data begins. */
  data: number
  /** The first octet after it. */
  end: number
}

/** The records of an answer of one question, in order; undefined where the message is broken. Linear: names are passed over. */
export function recordPlaces(message: Buffer): RecordPlace[] | undefined {
  const questionEnd = endOfQuestion(message)
  if (questionEnd === undefined) return undefined
  const places: RecordPlace[] = []
  let at = questionEnd
  for (const [index, section] of (['answer', 'authority', 'additional'] as const).entries()) {
    for (let left = message.readUInt16BE(6 + 2 * index); left > 0; left -= 1) {
      const afterName = skipName(message, at)
      if (afterName === undefined || afterName + 10 > message.length) return undefined
      const data = afterName + 10
      const end = data + message.readUInt16BE(afterName + 8)
      if (end > message.length) return undefined
      const ttl = message.readUInt32BE(afterName + 4)
      // A TTL with the highest bit set means 0 (RFC 2181, section 8).
      places.push({
        section,
        start: at,
        type: message.readUInt16BE(afterName),
        ttl: ttl > 0x7fff_ffff ? 0 : ttl,
        ttlAt: afterName + 4,
        data,
        end,
      })
      at = end
    }
  }
  return places
}

/** The first octet after the only question; undefined where there is no such. */
export function endOfQuestion(message: Buffer): number | undefined {
  if (message.length < HEAD_BYTES || message.readUInt16BE(4) !== 1) return undefined
  const afterName = skipName(message, HEAD_BYTES)
  return afterName === undefined || afterName + 4 > message.length ? undefined : afterName + 4
}

/** How much of a message is kept. */
export interface Cut {
  bytes: number
  counts: { answer: number; authority: number; additional: number }
  /** Records of the answer or of who says so are gone: the client has to ask by TCP. Missing additional ones are no loss (RFC 2181, section 9). */
  isTruncated: boolean
}

/** The whole records of `places` that end within `limit` octets and before the first OPT, which belongs to one hop only. */
export function cutAt(places: readonly RecordPlace[], start: number, limit: number): Cut {
  const cut: Cut = { bytes: start, counts: { answer: 0, authority: 0, additional: 0 }, isTruncated: false }
  for (const place of places) {
    if (place.type === type.OPT) break
    if (place.end > limit) {
      cut.isTruncated = place.section !== 'additional'
      break
    }
    cut.bytes = place.end
    cut.counts[place.section] += 1
  }
  return cut
}
