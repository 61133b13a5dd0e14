/**
 * What only one object of a store may have (a cluster IP, a node port): `<sort>/<name>`, where several processes write to the store and none of
 * them can decide alone. A claim is no object: it has no revision that readers see, and comes and goes in the very transaction of the write of
 * its holder. So there is no claim whose holder was not stored, and no holder that has lost it.
 */
export interface ClaimWish {
  /** `node-ports/TCP-30080` */
  readonly name: string
  /** By whom it is held and may be left by; undefined: it must be nobody's. */
  readonly from?: Holding | undefined
}

/** Who holds a claim. */
export interface Holding {
  /** Key of the object. */
  readonly holder: string
  /** Another one after every change of the claim; compared, and nothing else. */
  readonly revision: number
}

/** What a write takes for its object, and gives back. What the object does not hold is not given back. */
export interface ClaimChanges {
  readonly take: readonly ClaimWish[]
  readonly release: readonly string[]
}

/** A wish for a claim, of a write, did not hold; nothing was written. The present has what is newer than the wish was. */
export class ClaimsTaken extends Error {
  override readonly name = 'ClaimsTaken'
  /** Who holds what was wished; a claim that is nobody's by now is not in it. */
  readonly holdings: ReadonlyMap<string, Holding>
  constructor(key: string, holdings: ReadonlyMap<string, Holding>) {
    super(`the write to ${key} wants what others hold: ${[...holdings].map(([name, { holder }]) => `${name} (${holder})`).join(', ')}`)
    this.holdings = holdings
  }
}

/** More claims in one write than the store can decide at once. Nothing was written. */
export class TooManyClaims extends Error {
  override readonly name = 'TooManyClaims'
  readonly most: number
  readonly count: number
  constructor(count: number, most: number) {
    super(`a write takes ${count} claims, and the store decides ${most} at once`)
    this.count = count
    this.most = most
  }
}

/** All claims, for who repairs them. */
export interface ClaimBook {
  /** In the order of their names. @throws StorageUnavailable */
  all(): AsyncIterable<{ readonly name: string } & Holding>
  /**
   * Gives a claim to an object (undefined: to nobody), if the claim is still as it was found, and the object too: `revision` 0 of an object is that
   * there is none. Answers whether it was so. @throws StorageUnavailable
   */
  settle(
    name: string,
    found: Holding | undefined,
    object: { readonly key: string; readonly revision: number },
    isHolder: boolean,
  ): Promise<boolean>
}
