import { type ClaimBook, type ClaimChanges, type Holding, TooManyClaims } from '../claims.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import type { EtcdLink } from './etcd-link.ts'
import type { Compare, KeyValue, RequestOp, TxnRequest } from './etcd-messages.ts'
import { unavailable } from './etcd-trouble.ts'

/** etcd takes 128 operations in one transaction (`--max-txn-ops`), the object's own and its comparison included. */
const MOST_TAKEN = 100
const MOST_TOUCHED = 126

const PAGE = 500

type Numbers = Pick<EtcdLink, 'ours' | 'theirs'>

/** What the transaction of a write compares, does, and looks at if it fails, for the claims of its object. @throws TooManyClaims */
export function claimOperations(key: string, claims: ClaimChanges | undefined, keys: EtcdKeys, link: Numbers): TxnRequest {
  const compare: Compare[] = []
  const success: RequestOp[] = []
  const failure: RequestOp[] = []
  if (claims === undefined) return { compare, success, failure }
  const { take, release } = claims
  if (take.length > MOST_TAKEN) throw new TooManyClaims(take.length, MOST_TAKEN)
  const holder = Buffer.from(key)
  for (const { name, from } of take) {
    const place = { key: keys.claim(name) }
    compare.push(unchanged(place, from?.revision ?? 0, link))
    success.push({ requestPut: { ...place, value: holder } })
    failure.push({ requestRange: place })
  }
  // What does not fit stays with an object that does not need it, until a keeper finds it.
  for (const name of release.slice(0, MOST_TOUCHED - take.length)) {
    const place = { key: keys.claim(name) }
    const isOwn: Compare = { ...place, target: 'VALUE', result: 'EQUAL', value: holder }
    success.push({ requestTxn: { compare: [isOwn], success: [{ requestDeleteRange: place }], failure: [] } })
  }
  return { compare, success, failure }
}

/** Who holds the claims that were looked at. */
export function holdingsOf(found: readonly (KeyValue | undefined)[], keys: EtcdKeys, link: Numbers): Map<string, Holding> {
  return new Map(found.flatMap((each) => (each ? [[keys.claimName(each.key), holdingOf(each, link)]] : [])))
}

export class EtcdClaims implements ClaimBook {
  readonly #keys: EtcdKeys
  readonly #link: EtcdLink

  constructor({ keys, link }: { readonly keys: EtcdKeys; readonly link: EtcdLink }) {
    this.#keys = keys
    this.#link = link
  }

  async *all(): AsyncGenerator<{ readonly name: string } & Holding, void, undefined> {
    let range = this.#keys.claims
    for (;;) {
      const page = await this.#link.call('Range', { ...range, limit: PAGE }).catch((error: unknown) => {
        throw unavailable('etcd does not say what is claimed', error)
      })
      for (const found of page.kvs) yield { name: this.#keys.claimName(found.key), ...holdingOf(found, this.#link) }
      const last = page.kvs.at(-1)
      if (!page.more || last === undefined) return
      range = { ...range, key: Buffer.concat([last.key, Buffer.alloc(1)]) }
    }
  }

  async settle(
    name: string,
    found: Holding | undefined,
    object: { readonly key: string; readonly revision: number },
    isHolder: boolean,
  ): Promise<boolean> {
    const place = { key: this.#keys.claim(name) }
    const compare = [
      unchanged(place, found?.revision ?? 0, this.#link),
      unchanged({ key: this.#keys.of(object.key) }, object.revision, this.#link),
    ]
    const change: RequestOp = isHolder ? { requestPut: { ...place, value: Buffer.from(object.key) } } : { requestDeleteRange: place }
    try {
      return (await this.#link.call('Txn', { compare, success: [change], failure: [] })).succeeded
    } catch (error) {
      throw unavailable('etcd did not confirm a repair of what is claimed', error)
    }
  }
}

/** That a key is as it was found; revision 0: that it is not there. */
function unchanged(place: { readonly key: Buffer }, revision: number, link: Numbers): Compare {
  return { ...place, target: 'MOD', result: 'EQUAL', modRevision: revision === 0 ? 0 : link.theirs(revision) }
}

function holdingOf({ value, modRevision }: KeyValue, link: Numbers): Holding {
  return { holder: value.toString(), revision: link.ours(modRevision) }
}
