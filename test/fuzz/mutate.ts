import type { Random } from '../../shared/random/random.ts'

/** Numbers where readers go wrong, as they are written in one, two, four and eight bytes and as varints. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
const digits = ['0', '-1', '9007199254740993', '1e999', '18446744073709551616', '-0', '0.1e-9', '2147483648']

/** Changes an input a little, or joins it with another one. */
export function mutate(input: Buffer, others: readonly Buffer[], words: readonly Buffer[], random: Random): Buffer {
  let bytes = input
  for (let left = 1 + below(random, 4); left > 0; left--) bytes = step(bytes, others, words, random)
  return bytes
}

function step(input: Buffer, others: readonly Buffer[], words: readonly Buffer[], random: Random): Buffer {
  const at = below(random, input.length + 1)
  const length = below(random, Math.min(64, input.length - at) + 1)
  switch (below(random, 11)) {
    case 0: {
      if (input.length === 0) return Buffer.of(below(random, 256))
      const flipped = Buffer.from(input)
      flipped[below(random, input.length)]! ^= 1 << below(random, 8)
      return flipped
    }
    case 1:
      return splice(input, at, length, Buffer.alloc(0))
    case 2:
      return splice(input, at, 0, Buffer.from(Array.from({ length: 1 + below(random, 8) }, () => below(random, 256))))
    case 3: // Something again, and again.
      return splice(input, at, 0, Buffer.concat(new Array(1 + below(random, 40)).fill(input.subarray(at, at + length))))
    case 4:
      return splice(input, at, below(random, 2) * length, edge(random))
    case 5:
      return splice(input, at, below(random, 2) * length, Buffer.from(digits[below(random, digits.length)]!))
    case 6:
      return words.length === 0 ? input : splice(input, at, below(random, 2) * length, words[below(random, words.length)]!)
    case 7: {
      const other = others[below(random, others.length)] ?? input
      const from = below(random, other.length + 1)
      return splice(input, at, below(random, 2) * length, other.subarray(from, from + below(random, 200)))
    }
    case 8:
      return input.subarray(0, at)
    case 9: {
      const to = below(random, input.length + 1)
      return splice(splice(input, at, length, Buffer.alloc(0)), Math.min(to, input.length - length), 0, input.subarray(at, at + length))
    }
    default:
      return splice(input, at, Math.min(1, input.length - at), Buffer.of(below(random, 256)))
  }
}

function edge(random: Random): Buffer {
  const value = edges[below(random, edges.length)]!
  const bytes = Buffer.alloc(8)
  switch (below(random, 5)) {
    case 0:
      return Buffer.of(value & 0xff)
    case 1:
      bytes.writeUInt16BE(value & 0xffff)
      return bytes.subarray(0, 2)
    case 2:
      bytes.writeUInt32BE(value)
      return bytes.subarray(0, 4)
    case 3:
      bytes.writeUInt32LE(value)
      return bytes
    default: {
      const varint: number[] = []
      let rest = below(random, 4) === 0 ? 2 ** 64 - 2048 * below(random, 8) : value
      for (; rest >= 0x80 && varint.length < 9; rest = Math.floor(rest / 128)) varint.push((rest % 128) | 0x80)
      return Buffer.from([...varint, rest & 0x7f])
    }
  }
}

function splice(input: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), insert, input.subarray(at + remove)])
}

/** A whole number from 0, below the limit. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.fraction() * limit)
}
