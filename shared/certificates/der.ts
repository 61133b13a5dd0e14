/**
 * The part of ASN.1 DER (ITU-T X.690) that certificates and certificate requests need, written and read.
 * Small enough to own: the X.509 package of our choice costs 65–140 ms of every first start and 15 MB, this costs nothing.
 */

/** Identifier octets used here. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
  /** Context-specific, constructed: `[n]`. */
  context: (n: number) => 0xa0 | n,
  /** Context-specific, primitive. */
  contextPrimitive: (n: number) => 0x80 | n,
} as const

/** One element: identifier, length in the shortest form, contents. */
export function derElement(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(length)]), ...contents])
}

export const derSequence = (...parts: readonly Uint8Array[]): Buffer => derElement(derTag.sequence, ...parts)

/** A SET OF; DER wants its elements sorted by their encoding. */
export const derSet = (...parts: readonly Uint8Array[]): Buffer => derElement(derTag.set, ...[...parts].sort(Buffer.compare))

/** A non-negative INTEGER from big-endian bytes. */
export function derInteger(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const shortest = bytes.subarray(start)
  const negative = (shortest[0] ?? 0) >= 0x80
  return derElement(derTag.integer, negative ? Buffer.concat([Buffer.of(0), shortest]) : shortest)
}

/** A BIT STRING of whole bytes, or with `unused` low bits of the last byte left out. */
export const derBitString = (bytes: Uint8Array, unused = 0): Buffer => derElement(derTag.bitString, Buffer.of(unused), bytes)

export const derOctetString = (bytes: Uint8Array): Buffer => derElement(derTag.octetString, bytes)

export const derTrue = (): Buffer => derElement(derTag.boolean, Buffer.of(0xff))

export const derUtf8 = (text: string): Buffer => derElement(derTag.utf8String, Buffer.from(text, 'utf8'))

/** An OBJECT IDENTIFIER from its dotted form. */
export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80)
    octets.push(...groups)
  }
  return derElement(derTag.oid, Buffer.from(octets))
}

/** A Time as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime after. Whole seconds. */
export function derTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().slice(0, 19).replace(/[-:T]/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? derElement(derTag.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : derElement(derTag.generalizedTime, Buffer.from(`${digits}Z`))
}

/** An element that was read. */
export interface DerNode {
  readonly tag: number
  /** The contents octets. */
  readonly content: Buffer
  /** Identifier, length and contents: what a signature covers. */
  readonly whole: Buffer
}

/** Reads all elements of `bytes`, one after the other. @throws Error when the bytes are no well-formed DER. */
export function readDerAll(bytes: Uint8Array): DerNode[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const nodes: DerNode[] = []
  for (let offset = 0; offset < buffer.length; ) {
    const node = readElement(buffer, offset)
    nodes.push(node)
    offset += node.whole.length
  }
  return nodes
}

/** Reads exactly one element, which must have the tag. @throws Error */
export function readDer(bytes: Uint8Array, tag: number): DerNode {
  const [node, ...more] = readDerAll(bytes)
  if (!node || more.length > 0) throw new Error('malformed DER: expected exactly one element')
  return expectTag(node, tag)
}

/** The node if it has the tag. @throws Error */
export function expectTag(node: DerNode | undefined, tag: number): DerNode {
  if (node?.tag !== tag) throw new Error(`malformed DER: expected tag 0x${tag.toString(16)}, found ${describeTag(node)}`)
  return node
}

/** The bytes of a BIT STRING without unused bits. @throws Error */
export function readBitString(node: DerNode | undefined): Buffer {
  const { content } = expectTag(node, derTag.bitString)
  if (content[0] !== 0) throw new Error('malformed DER: a bit string of whole bytes was expected')
  return content.subarray(1)
}

/** The dotted form of an OBJECT IDENTIFIER. @throws Error */
export function readOid(node: DerNode | undefined): string {
  const { content } = expectTag(node, derTag.oid)
  const arcs: number[] = []
  let arc = 0
  for (const octet of content) {
    arc = arc * 128 + (octet & 0x7f)
    if (octet & 0x80) continue
    if (arcs.length > 0) arcs.push(arc)
    else arcs.push(...(arc < 80 ? [Math.floor(arc / 40), arc % 40] : [2, arc - 80]))
    arc = 0
  }
  return arcs.join('.')
}

function readElement(buffer: Buffer, start: number): DerNode {
  const tag = buffer[start]
  const first = buffer[start + 1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Error('malformed DER: truncated or unknown identifier')
  let length = first
  let offset = start + 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4 || offset + count > buffer.length) throw new Error('malformed DER: bad length')
    length = buffer.readUIntBE(offset, count)
    offset += count
  }
  if (offset + length > buffer.length) throw new Error('malformed DER: truncated contents')
  return { tag, content: buffer.subarray(offset, offset + length), whole: buffer.subarray(start, offset + length) }
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left & 0xff)
  return [0x80 | octets.length, ...octets]
}

function describeTag(node: DerNode | undefined): string {
  return node ? `0x${node.tag.toString(16)}` : 'nothing'
}
