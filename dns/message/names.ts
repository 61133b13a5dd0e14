/** The longest name, in octets on the wire (RFC 1035, 2.3.4). */
const MOST_NAME_BYTES = 255
const LONGEST_LABEL = 63
const DOT = 46
const BACKSLASH = 92

/** Where a name was read, and what follows it. */
export interface NameRead {
  /** Lower case, without the final dot; octets that no host name has are written `\ddd`, so that a dot in a label is none between labels. */
  name: string
  /** The first octet after the name where it stands (after a pointer, when it ends in one). */
  end: number
}

/** Octet → its lower case, or 0 where it has to be escaped. */
const PLAIN = new Uint8Array(256)
for (const char of "abcdefghijklmnopqrstuvwxyz0123456789-_*/+=@!#$%&'()~^{}|:;,<>?[] ") PLAIN[char.charCodeAt(0)] = char.charCodeAt(0)
for (let upper = 65; upper <= 90; upper += 1) PLAIN[upper] = upper + 32

/**
 * Reads the name at `offset`, undefined where there is none. Linear: pointers may only lead backwards (RFC 1035 knows no others in honest
 * messages), and a name ends at 255 octets.
 */
export function readName(message: Buffer, offset: number): NameRead | undefined {
  let at = offset
  let end = -1
  let limit = offset
  let bytes = 1
  let text = ''
  for (;;) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length === 0) return { name: text, end: end < 0 ? at + 1 : end }
    if (length > LONGEST_LABEL) {
      const low = message[at + 1]
      if (length < 0xc0 || low === undefined) return undefined
      if (end < 0) end = at + 2
      const target = ((length & 0x3f) << 8) | low
      if (target >= limit) return undefined
      limit = at = target
      continue
    }
    bytes += length + 1
    if (bytes > MOST_NAME_BYTES || at + 1 + length > message.length) return undefined
    if (text !== '') text += '.'
    text += label(message, at + 1, length)
    at += length + 1
  }
}

function label(message: Buffer, start: number, length: number): string {
  const end = start + length
  let isLower = true
  for (let at = start; at < end; at += 1) {
    const octet = message[at]!
    const plain = PLAIN[octet]!
    if (plain === 0) return escaped(message, start, end)
    if (plain !== octet) isLower = false
  }
  const text = message.toString('latin1', start, end)
  return isLower ? text : text.toLowerCase()
}

function escaped(message: Buffer, start: number, end: number): string {
  let text = ''
  for (const octet of message.subarray(start, end)) {
    const plain = PLAIN[octet]!
    text += plain === 0 ? `\\${String(octet).padStart(3, '0')}` : String.fromCharCode(plain)
  }
  return text
}

/** The first octet after the name at `offset`, without reading it; undefined where the message ends before. */
export function skipName(message: Buffer, offset: number): number | undefined {
  let at = offset
  for (;;) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2 <= message.length ? at + 2 : undefined
    if (length > LONGEST_LABEL) return undefined
    at += length + 1
  }
}

/**
 * Writes the labels of a name, without the empty one at its end; understands what `readName` escapes.
 * @returns the first octet after them; undefined where it can be no name on the wire
 */
export function writeLabels(message: Buffer, start: number, name: string): number | undefined {
  if (name === '') return start
  let lengthAt = start
  let at = start + 1
  for (let index = 0; index <= name.length; index += 1) {
    const char = index < name.length ? name.charCodeAt(index) : DOT
    if (char === DOT) {
      const length = at - lengthAt - 1
      if (length === 0 || length > LONGEST_LABEL) return undefined
      message[lengthAt] = length
      lengthAt = at
      at += 1
    } else if (char === BACKSLASH) {
      message[at++] = Number(name.slice(index + 1, index + 4))
      index += 3
    } else message[at++] = char
    if (at - start > MOST_NAME_BYTES) return undefined
  }
  return lengthAt
}
