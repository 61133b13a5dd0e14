import type { Clock } from '../../../shared/time/clock.ts'
import { ClaimsTaken } from '../claims.ts'
import { resourcePrefix } from '../keys.ts'
import type { Present } from '../present.ts'
import { type Change, StorageConflict, StorageUnavailable, ValueTooLarge, type Write } from '../storage.ts'
import { lastState } from '../stored-entry.ts'
import { holds } from '../write-queue.ts'
import { claimOperations, holdingsOf } from './etcd-claims.ts'
import type { EtcdEntries } from './etcd-entries.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { type EtcdLink, PATIENCE } from './etcd-link.ts'
import type { Compare, TxnRequest, TxnResponse } from './etcd-messages.ts'
import type { Awaited, EtcdMirror } from './etcd-mirror.ts'
import { refusalOf, unavailable } from './etcd-trouble.ts'

export interface WriterOptions<F> {
  readonly link: EtcdLink
  readonly keys: EtcdKeys
  readonly entries: EtcdEntries<F>
  readonly mirror: EtcdMirror<F>
  readonly present: Present<F>
  readonly clock: Clock
  readonly restamp: (value: Buffer, revision: number) => Buffer
  /** Resolves when the present includes what everyone was told before. */
  readonly barrier: () => Promise<void>
  /** How a write reaches etcd; tests put faults in between. */
  readonly medium?: ((send: () => Promise<void>) => Promise<void>) | undefined
}

/**
 * Writes by transactions that compare the revision of the key: whoever writes beside this server, one of them is first. Writes of one key go one after
 * the other, because the second could only lose to the first; others go side by side. A write is told to have happened when etcd said so and the
 * present has it.
 */
export class EtcdWriter<F> {
  readonly #options: WriterOptions<F>
  /** The last write of each key that is under way. */
  readonly #lines = new Map<string, Promise<void>>()
  #isClosing = false

  constructor(options: WriterOptions<F>) {
    this.#options = options
  }

  /** @throws StorageConflict, ClaimsTaken, TooManyClaims, StorageUnavailable, ValueTooLarge */
  async write(write: Write<F>): Promise<Change<F>> {
    if (this.#isClosing) throw new StorageUnavailable('the store is closing')
    const { key } = write
    resourcePrefix(key) // refuses what is no key
    const before = this.#lines.get(key)
    const done = before === undefined ? this.#write(write) : before.then(() => this.#write(write))
    // How it ends is told to its writer; for the next one it matters only that it did.
    const line: Promise<void> = done
      .catch(() => {})
      .then(() => {
        if (this.#lines.get(key) === line) this.#lines.delete(key)
      })
    this.#lines.set(key, line)
    return done
  }

  async settled(key: string): Promise<void> {
    await this.#lines.get(key)
  }

  /** Refuses new writes, and resolves when those taken are done. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#lines.values())
  }

  async #write(write: Write<F>): Promise<Change<F>> {
    const { entries, mirror } = this.#options
    await this.#refuse(write)
    const { key } = write
    const plain = write.type === 'put' ? write.encode(0) : undefined
    const bytes = plain && entries.toStorage(key, plain)
    const awaited: Awaited<F> = { bytes, facts: write.type === 'put' ? write.facts : undefined, seen: [] }
    mirror.await(key, awaited)
    try {
      const answer = await this.#send(write, bytes)
      if (answer.succeeded) return await this.#written(write, plain, answer, awaited)
      await this.#sees(write, answer)
      throw this.#refusal(write, answer)
    } finally {
      mirror.forget(key)
    }
  }

  /** Refuses what is sure to lose. The present may be behind, so it is asked for the newest where that could make a difference. */
  async #refuse(write: Write<F>): Promise<void> {
    const { present, barrier } = this.#options
    const { key, expect = 0 } = write
    const current = present.get(key)
    if (holds(write, current)) return
    const isPast = expect > 0 && current !== undefined && current.revision > expect
    if (!isPast) await barrier()
    const newest = present.get(key)
    if (!holds(write, newest)) throw new StorageConflict(key, newest)
  }

  async #send(write: Write<F>, bytes: Buffer | undefined): Promise<TxnResponse> {
    const { link, medium = (send) => send() } = this.#options
    const request = this.#transaction(write, bytes)
    let answer: TxnResponse | undefined
    try {
      await medium(async () => {
        answer = await link.call('Txn', request)
      })
    } catch (error) {
      if (refusalOf(error) === 'too large') throw new ValueTooLarge(bytes?.length ?? 0, { cause: error })
      throw unavailable('etcd did not confirm the write, which may or may not have happened', error)
    }
    return answer!
  }

  #transaction({ key, type, expect, claims }: Write<F>, bytes: Buffer | undefined): TxnRequest {
    const { keys, link } = this.#options
    const beside = claimOperations(key, claims, keys, link)
    const place = { key: keys.of(key) }
    const compare: Compare[] = []
    if (expect !== undefined) {
      compare.push({ ...place, target: 'MOD', result: 'EQUAL', modRevision: expect === 0 ? 0 : link.theirs(expect) })
    } else if (type === 'delete') compare.push({ ...place, target: 'CREATE', result: 'GREATER', createRevision: 0 })
    const own = bytes === undefined ? { requestDeleteRange: place } : { requestPut: { ...place, value: bytes } }
    return {
      compare: [...compare, ...beside.compare],
      success: [own, ...beside.success],
      // What is there instead, without its bytes: they come by the watch.
      failure: [{ requestRange: { ...place, keysOnly: true } }, ...beside.failure],
    }
  }

  /** Which of the things that a write expected was not so: the state of its object, which counts first, or what it wished to hold. */
  #refusal(write: Write<F>, { responses }: TxnResponse): Error {
    const { keys, link, present } = this.#options
    const [own, ...others] = responses.map(({ responseRange }) => responseRange?.kvs[0])
    const revision = own === undefined ? 0 : link.ours(own.modRevision)
    const isExpected = write.expect === undefined ? write.type === 'put' || own !== undefined : write.expect === revision
    if (!isExpected || !write.claims) return new StorageConflict(write.key, present.get(write.key))
    return new ClaimsTaken(write.key, holdingsOf(others, keys, link))
  }

  async #written(write: Write<F>, plain: Buffer | undefined, { header }: TxnResponse, { seen }: Awaited<F>): Promise<Change<F>> {
    const { mirror, link, present, restamp, clock } = this.#options
    const revision = link.ours(header.revision)
    const previous = present.get(write.key)
    await mirror.reached(revision, PATIENCE)
    const change = seen.find((each) => each.revision === revision)
    if (change !== undefined) return change
    // The mirror was read anew meanwhile: what was written is known, what it replaced only from before.
    const { key, type } = write
    const common = { key, revision, previous, time: clock.now() }
    if (type === 'put') {
      const createRevision = previous?.createRevision ?? revision
      return { ...common, type, entry: { key, value: restamp(plain!, revision), revision, createRevision, facts: write.facts } }
    }
    if (previous === undefined) throw new StorageUnavailable(`${key} was removed, and nobody knows what it was`)
    return { ...common, type, entry: lastState(previous, revision, restamp) }
  }

  /** Resolves when the present has what a lost write lost against. */
  async #sees({ expect }: Write<F>, { responses }: TxnResponse): Promise<void> {
    const { mirror, link, barrier } = this.#options
    const winners = responses.flatMap(({ responseRange }) => responseRange?.kvs ?? [])
    const isGone = expect !== 0 && responses[0]?.responseRange?.kvs.length === 0
    if (winners.length === 0 || isGone) await barrier()
    else await mirror.reached(Math.max(...winners.map(({ modRevision }) => link.ours(modRevision))), PATIENCE)
  }
}
