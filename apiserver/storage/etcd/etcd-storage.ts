import type { Tls } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { StoredForm } from '../encryption/value-transformer.ts'
import { overlayOf, pageOfPast } from '../past-state.ts'
import { PresentStorage, READ_BATCH } from '../present-storage.ts'
import { bytesOf, type RecentLimits } from '../recent-changes.ts'
import {
  type Change,
  type Entry,
  type Mark,
  type Page,
  PresentReplaced,
  RevisionAhead,
  type Storage,
  type StorageOptions,
  StorageRefused,
  type Write,
} from '../storage.ts'
import { EtcdBarrier } from './etcd-barrier.ts'
import { EtcdClaims } from './etcd-claims.ts'
import { EtcdEntries } from './etcd-entries.ts'
import { EtcdHistory } from './etcd-history.ts'
import { EtcdKeys } from './etcd-keys.ts'
import { EtcdLink } from './etcd-link.ts'
import { EtcdMarks } from './etcd-marks.ts'
import { EtcdMirror } from './etcd-mirror.ts'
import { EtcdRecall } from './etcd-recall.ts'
import { refusalOf, unavailable } from './etcd-trouble.ts'
import { EtcdWriter, type WriterOptions } from './etcd-writer.ts'

export interface EtcdStorageOptions<F> extends StorageOptions<F> {
  /** Members of one etcd: `https://10.0.0.1:2379`. One is talked to at a time; the others are for when it goes. */
  readonly endpoints: readonly string[]
  readonly tls?: Tls
  /** What keys begin with; without a slash at its end. */
  readonly prefix: string
  /** Whose store it is; a store of another cluster is refused. */
  readonly cluster: string
  /** The revision of a store that is made now, where it continues another one. */
  readonly start?: number | undefined
  readonly logger: Logger
  readonly recent?: RecentLimits | undefined
  /** Milliseconds that members may take to answer at the start. */
  readonly patience?: number | undefined
  readonly medium?: WriterOptions<F>['medium']
}

const DEFAULT_PATIENCE = 5_000

/**
 * The driver for several API servers: the truth is in etcd, and the present mirrors it.
 * @throws StorageRefused when no member can be used: none answers, another cluster's, of a newer format
 */
export async function openEtcdStorage<F>(options: EtcdStorageOptions<F>): Promise<Storage<F>> {
  const keys = new EtcdKeys(options.prefix)
  const link = new EtcdLink({ ...options, keys })
  try {
    await connected(link, options)
    const storage = new EtcdStorage(options, keys, link)
    await storage.load()
    return storage
  } catch (error) {
    link.close()
    throw error instanceof StorageRefused ? error : new StorageRefused(`the store in etcd could not be read: ${error}`, { cause: error })
  }
}

async function connected<F>(link: EtcdLink, { clock, endpoints, patience = DEFAULT_PATIENCE }: EtcdStorageOptions<F>): Promise<void> {
  const started = clock.monotonic()
  for (;;) {
    try {
      return await link.connect()
    } catch (error) {
      if (error instanceof StorageRefused) throw error
      if (clock.monotonic() - started > patience) {
        const said = error instanceof Error ? error.message : String(error)
        throw new StorageRefused(
          `no member of etcd answers at ${endpoints.join(', ')}: ${said}; see that etcd runs and has a leader, and that --etcd-servers, ` +
            '--etcd-cafile, --etcd-certfile and --etcd-keyfile are right',
          { cause: error },
        )
      }
      await clock.sleep(200)
    }
  }
}

class EtcdStorage<F> extends PresentStorage<F> implements Storage<F> {
  readonly #link: EtcdLink
  readonly #entries: EtcdEntries<F>
  readonly #marks = new EtcdMarks()
  readonly #mirror: EtcdMirror<F>
  readonly #barrier: EtcdBarrier
  readonly #history: EtcdHistory<F>
  readonly #recall: EtcdRecall<F>
  readonly #writer: EtcdWriter<F>
  readonly claims: EtcdClaims
  readonly #end = new AbortController()
  #following: Promise<void> | undefined

  constructor(options: EtcdStorageOptions<F>, keys: EtcdKeys, link: EtcdLink) {
    const { clock, logger, restamp, recent } = options
    super({ revision: 0, compacted: 0, recent, hasGaps: true })
    this.#link = link
    this.#entries = new EtcdEntries(options, keys, link)
    const tools = { link, keys, entries: this.#entries, clock, logger, restamp, present: this.present, marks: this.#marks }
    this.#mirror = new EtcdMirror({
      ...tools,
      onChanges: (changes) => this.#changed(changes),
      onReset: (from, to, gone) => this.#replaced(from, to, gone),
    })
    this.#barrier = new EtcdBarrier({ link, keys, mirror: this.#mirror })
    this.#history = new EtcdHistory({ ...tools, mirror: this.#mirror, mark: () => this.#barrier.mark() })
    this.claims = new EtcdClaims(tools)
    this.#recall = new EtcdRecall(this.recent, this.#history)
    this.#writer = new EtcdWriter({ ...tools, mirror: this.#mirror, barrier: () => this.barrier(), medium: options.medium })
  }

  /** Reads the present and begins to follow it. */
  async load(): Promise<void> {
    await this.#mirror.load()
    this.recent.forget(this.revision)
    this.forget(await this.#history.horizon())
    this.#following = this.#mirror.follow(this.#end.signal)
  }

  get revision(): number {
    return this.#mirror.revision
  }

  /** Revisions are given at the commit: nothing is known of what is queued. */
  newest(key: string): Entry<F> | undefined {
    return this.present.get(key)
  }

  settled(key: string): Promise<void> {
    return this.#writer.settled(key)
  }

  formOf(entry: Entry<F>): StoredForm {
    return this.#entries.formOf(entry)
  }

  async getAt(key: string, revision: number): Promise<Entry<F> | undefined> {
    this.checkReachable(revision)
    if (!this.recent.covers(revision)) return this.#history.getAt(key, revision)
    const overlay = overlayOf(this.recent.after(revision), key)
    const state = overlay.get(key)
    if (!overlay.has(key)) return this.present.get(key)
    return state && 'entry' in state ? state.entry : undefined
  }

  async pageAt(prefix: string, revision: number, options: { after?: string | undefined; limit?: number | undefined }): Promise<Page<F>> {
    this.checkReachable(revision)
    if (!this.recent.covers(revision)) return this.#history.pageAt(prefix, revision, options)
    const { states, remaining } = pageOfPast(this.present, overlayOf(this.recent.after(revision), prefix), prefix, options)
    return { entries: states.flatMap((state) => ('entry' in state ? [state.entry] : [])), more: remaining > 0, remaining }
  }

  write(write: Write<F>): Promise<Change<F>> {
    return this.#writer.write(write)
  }

  async barrier(): Promise<void> {
    await this.#barrier.pass()
  }

  async *changes(fromRevision: number, toRevision: number): AsyncGenerator<Change<F>, void, undefined> {
    this.checkReachable(fromRevision)
    if (toRevision > this.revision) throw new RevisionAhead(toRevision, this.revision)
    await this.#recall.reach(fromRevision)
    for (let position = fromRevision; position < toRevision; ) {
      const isNear = this.recent.covers(position)
      const read = isNear ? this.recent.after(position) : await this.#history.read(position, toRevision, READ_BATCH)
      const changes = read.filter(({ revision }) => revision <= toRevision)
      yield* changes
      if (isNear || changes.length === 0) return
      position = changes[changes.length - 1]!.revision
    }
  }

  async mark(revision: number): Promise<Mark | undefined> {
    return revision > this.compacted ? this.#marks.find(revision) : undefined
  }

  async markAt(time: number): Promise<Mark | undefined> {
    return this.#marks.at(time, this.compacted)
  }

  async oldestMark(): Promise<Mark | undefined> {
    return this.#marks.firstAfter(this.compacted)
  }

  protected async readLog(from: number, to: number, limit: number): Promise<Change<F>[]> {
    await this.#recall.reach(from)
    if (!this.recent.covers(from)) return this.#history.read(from, to, limit)
    return this.recent.after(from).filter(({ revision }) => revision <= to)
  }

  protected async compactLog(revision: number): Promise<void> {
    try {
      await this.#link.call('Compact', { revision: this.#link.theirs(revision) })
    } catch (error) {
      // Another server was faster.
      if (refusalOf(error) !== 'compacted') throw unavailable('etcd could not be compacted', error)
    }
  }

  protected async shut(): Promise<void> {
    await this.#writer.close()
    this.feed.close()
    this.#end.abort()
    await this.#following
    this.#link.close()
  }

  #changed(changes: readonly Change<F>[]): void {
    for (const change of changes) {
      this.recent.append(change)
      this.#marks.add(change.revision, change.time, bytesOf(change.entry))
    }
    this.feed.schedule()
  }

  #replaced(from: number, to: number, gone: readonly Entry<F>[]): void {
    this.feed.end(new PresentReplaced(from, to, gone))
    this.forget(to)
  }
}
