import { createHash } from 'node:crypto'

/** A hand is dealt from so many bits; more cards than they can tell apart are refused (upstream's limit). */
export const MOST_HASH_BITS = 60

/** How many bits it takes to deal `handSize` different cards from a deck. */
export function requiredBits(deckSize: number, handSize: number): number {
  let bits = 0
  for (let dealt = 0; dealt < handSize; dealt++) bits += Math.log2(deckSize - dealt)
  return Math.ceil(bits)
}

/**
 * The queues that a flow may use: `handSize` different ones of `deckSize`, the same for the same flow. Two flows rarely share all of
 * theirs, so a heavy one cannot fill every queue of a light one.
 */
export function dealHand(flow: string, deckSize: number, handSize: number): number[] {
  let entropy = createHash('sha256').update(flow).digest().readBigUInt64BE() >> 4n
  const hand: number[] = []
  for (let dealt = 0; dealt < handSize; dealt++) {
    const left = BigInt(deckSize - dealt)
    let card = Number(entropy % left)
    entropy /= left
    // The card is one of those that are left: it moves up by each dealt one that is not above it.
    for (const earlier of [...hand].sort((a, b) => a - b)) if (earlier <= card) card++
    hand.push(card)
  }
  return hand
}
