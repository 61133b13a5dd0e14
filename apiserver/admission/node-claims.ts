import type { IpAddress } from '../../shared/addresses/ip-address.ts'
import { IpRange, rangesAround } from '../../shared/addresses/ip-range.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { nodeNames } from '../allocation/node-holdings.ts'
import { spelling } from '../allocation/spelling.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { ClaimIndex } from './claim-index.ts'

/** What one Node claims. */
interface Claim {
  readonly names: readonly string[]
  /** Bits of its pod ranges. */
  readonly ranges: readonly string[]
}

/**
 * Which Node claims a name, an address or a range: kept by following Nodes, because a thousand of them register at once. Each Node's part is
 * remembered and replaced, never counted blindly, so that a change that is told twice does no harm. Writes that are on their way claim too.
 */
export class NodeClaims {
  readonly #claims = new Map<string, Claim>()
  /** What writes that are on their way will claim, by node. */
  readonly #coming = new Map<string, Set<Claim>>()
  readonly #byName = new ClaimIndex()
  readonly #byRange = new ClaimIndex()
  /** Larger range → how many pod ranges lie in it. */
  readonly #around = new Map<string, number>()
  #reader: ObjectReader | undefined

  /** The claims of now. The first question begins to follow. */
  of(reader: ObjectReader): this {
    if (this.#reader !== reader) {
      this.#reader = reader
      reader.follow(
        'v1',
        'Node',
        (current, previous) => {
          const name = (current ?? previous)?.metadata.name ?? ''
          this.#replace(name, current && claimOf(current))
        },
        { previous: false },
      )
    }
    return this
  }

  /** Names of other nodes that are called so, or say that they are there. */
  claimants(text: string, except: string): string[] {
    return [...this.#byName.holders(spelling(text))].filter((name) => name !== except)
  }

  /**
   * Claims for a Node that is about to be written. What is answered ends that: to be called when the write has failed, or is stored; the
   * index hears of stored ones a moment later, so the claim stays till then.
   */
  expect(node: Node, reader: ObjectReader): () => void {
    const name = node.metadata.name ?? ''
    const claim = claimOf(node)
    const coming = this.#coming.get(name) ?? new Set()
    this.#coming.set(name, coming.add(claim))
    this.#count(name, claim, +1)
    return () =>
      void reader.caughtUp().then(() => {
        this.#count(name, claim, -1)
        coming.delete(claim)
        if (coming.size === 0 && this.#coming.get(name) === coming) this.#coming.delete(name)
      })
  }

  /** The node among whose pods an address is. */
  ownerOfPod(address: IpAddress): string | undefined {
    for (const bits of rangesAround(IpRange.of(address))) for (const name of this.#byRange.holders(bits)) return name
    return undefined
  }

  /** Whose pod range overlaps this one, in words; undefined when nobody else's does. */
  overlapping(range: IpRange, except: string): string | undefined {
    for (const bits of rangesAround(range)) {
      for (const name of this.#byRange.holders(bits)) if (name !== except) return `node ${JSON.stringify(name)}`
    }
    const claims = [this.#claims.get(except), ...(this.#coming.get(except) ?? [])]
    const own = claims.flatMap((claim) => claim?.ranges ?? []).filter((bits) => bits !== range.bits && bits.startsWith(range.bits)).length
    return (this.#around.get(range.bits) ?? 0) > own ? 'other nodes' : undefined
  }

  #replace(name: string, next: Claim | undefined): void {
    const before = this.#claims.get(name)
    if (before && next && same(before, next)) return
    if (before) this.#count(name, before, -1)
    if (next) this.#claims.set(name, next)
    else this.#claims.delete(name)
    if (next) this.#count(name, next, +1)
  }

  #count(name: string, { names, ranges }: Claim, step: 1 | -1): void {
    for (const text of names) file(this.#byName, text, name, step)
    for (const bits of ranges) {
      file(this.#byRange, bits, name, step)
      for (let length = 2; length < bits.length; length++) {
        const larger = bits.slice(0, length)
        const count = (this.#around.get(larger) ?? 0) + step
        if (count > 0) this.#around.set(larger, count)
        else this.#around.delete(larger)
      }
    }
  }
}

function claimOf(node: Node): Claim {
  const ranges = new Set((node.spec.podCIDRs ?? []).flatMap((text) => IpRange.parse(text)?.bits ?? []))
  return { names: nodeNames(node), ranges: [...ranges] }
}

function same(one: Claim, other: Claim): boolean {
  return one.names.join() === other.names.join() && one.ranges.join() === other.ranges.join()
}

function file(index: ClaimIndex, key: string, name: string, step: 1 | -1): void {
  if (step > 0) index.add(key, name)
  else index.remove(key, name)
}
