import { notFound, StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { refuseUnreadable } from '../storage/encryption/unreadable-entry.ts'
import { type Page, RevisionAhead, RevisionCompacted, type Storage } from '../storage/storage.ts'
import { decodeContinue, encodeContinue } from './continue-token.ts'
import { EncodedObjects } from './encoded-objects.ts'
import { type ListOptions, parseRevision } from './list-options.ts'
import type { ObjectFacts, StoredEntry } from './object-facts.ts'
import type { Resource } from './resource-table.ts'
import { ScanTurns } from './scan-turns.ts'
import { type Selection, selects } from './selection.ts'
import { asAnswer } from './store-unavailable.ts'

/** One answer of a list: stored entries, not yet rendered. */
export interface ListPage {
  readonly entries: readonly StoredEntry[]
  /** The list's resourceVersion. */
  readonly revision: number
  readonly continue: string | undefined
  /** Exact; undefined where selectors make it unknown, or nothing remains. */
  readonly remaining: number | undefined
}

/** How many entries a selective paged list looks at in one step. */
const SCAN_STEP = 1_000
/** Whether its turn is over a scan asks after this many entries. */
const TURN_STEP = 64

export function storageKey(resource: Resource, namespace: string, name: string): string {
  return namespace === '' ? resource.prefix + name : `${resource.prefix}${namespace}/${name}`
}

/** Generic get and list. */
export class ObjectStore {
  readonly storage: Storage<ObjectFacts>

  /** Clients that name an older revision are told that it has expired, although the log may still have it. */
  readonly horizon: () => number

  /** For those who speak protobuf. */
  readonly encoded: EncodedObjects

  /** For those who go through many objects. */
  readonly turns: ScanTurns

  /** The revision that is the newest for who reads here; undefined: the present. */
  readonly #at: number | undefined

  constructor(storage: Storage<ObjectFacts>, horizon: () => number, clock: Pick<Clock, 'monotonic'>, past?: PastReads) {
    this.storage = storage
    this.horizon = horizon
    this.encoded = past?.of.encoded ?? new EncodedObjects()
    this.turns = past?.of.turns ?? new ScanTurns(clock)
    this.#at = past?.revision
  }

  get #newest(): number {
    return this.#at ?? this.storage.revision
  }

  /** Those of a snapshot that are selected. Entries never change, so what is written meanwhile is not seen. */
  async selected(entries: readonly StoredEntry[], resource: Resource, selection: Selection): Promise<readonly StoredEntry[]> {
    if (selection.all) return entries
    const found: StoredEntry[] = []
    if (entries.length > SCAN_STEP) await this.turns.next()
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at]!
      if (selects(resource, selection, entry.facts)) found.push(entry)
      if (entries.length > SCAN_STEP && at % TURN_STEP === 0 && this.turns.isOver) await this.turns.next()
    }
    return found
  }

  /**
   * Resolves when what is read next is as new as everything anyone was told, or as a revision where one is named; undefined: it is.
   * @throws StatusError ServiceUnavailable
   */
  ready(notOlderThan?: number): Promise<void> | undefined {
    if (this.#at !== undefined || (notOlderThan !== undefined && notOlderThan <= this.storage.revision)) return undefined
    return this.storage.barrier()?.catch((error: unknown) => {
      throw asAnswer(error, 'the store does not say what is newest')
    })
  }

  /** As `ready`, for the resourceVersion of a request. @throws StatusError BadRequest */
  readyFor(resourceVersion: string | null): Promise<void> | undefined {
    return this.ready(resourceVersion ? parseRevision(resourceVersion) : undefined)
  }

  /** @throws StatusError NotFound, Timeout for a resourceVersion of the future */
  get(resource: Resource, namespace: string, name: string, notOlderThan: string | null = null): StoredEntry {
    if (notOlderThan) this.#refuseFuture(parseRevision(notOlderThan))
    const entry = this.storage.get(storageKey(resource, namespace, name))
    if (!entry) throw notFound(resource.named, name)
    return entry
  }

  /** @throws StatusError Expired, Timeout, BadRequest */
  async list(resource: Resource, selection: Selection, options: ListOptions): Promise<ListPage> {
    const prefix = selection.namespace === '' ? resource.prefix : `${resource.prefix}${selection.namespace}/`
    const { resourceVersion, match } = options
    if (options.continue !== undefined) {
      if (resourceVersion !== undefined && resourceVersion !== 0) {
        throw new StatusError('BadRequest', 'specifying resource version is not allowed when using continue')
      }
      const token = decodeContinue(options.continue, prefix)
      if (this.#at !== undefined) this.#refuseFuture(token.revision)
      return this.#page({
        resource,
        selection,
        prefix,
        limit: options.limit,
        revision: token.revision,
        after: token.after,
        isContinued: true,
      })
    }
    await this.ready(resourceVersion)
    if (resourceVersion !== undefined) this.#refuseFuture(resourceVersion)
    const isExact = match === 'Exact' || (match === undefined && options.limit > 0 && (resourceVersion ?? 0) > 0)
    const revision = isExact ? resourceVersion! : -1
    return this.#page({ resource, selection, prefix, limit: options.limit, revision, after: undefined, isContinued: false })
  }

  async #page(wish: PageWish): Promise<ListPage> {
    const revision = wish.revision < 0 ? this.#newest : wish.revision
    // A limit with no selector is one page of the store; everything else filters until the page is full.
    if (wish.selection.all || wish.limit === 0) {
      const page = await this.#read(wish, revision, wish.after, wish.limit)
      const entries = await this.selected(page.entries, wish.resource, wish.selection)
      return this.#answer(wish, revision, entries, page.more ? page.entries.at(-1)?.key : undefined, page.remaining)
    }
    const entries: StoredEntry[] = []
    let after = wish.after
    for (let step = 0; ; step++) {
      // The next step is read at the same revision, whatever is written meanwhile.
      if (step > 0) await this.turns.next()
      const page = await this.#read(wish, revision, after, SCAN_STEP)
      for (const [index, entry] of page.entries.entries()) {
        if (!selects(wish.resource, wish.selection, entry.facts)) continue
        entries.push(entry)
        if (entries.length < wish.limit) continue
        const isLast = !page.more && index === page.entries.length - 1
        return this.#answer(wish, revision, entries, isLast ? undefined : entry.key, 0)
      }
      if (!page.more) return this.#answer(wish, revision, entries, undefined, 0)
      after = page.entries.at(-1)!.key
    }
  }

  #answer(wish: PageWish, revision: number, entries: readonly StoredEntry[], last: string | undefined, remaining: number): ListPage {
    refuseUnreadable(entries)
    const isMore = last !== undefined
    return {
      entries,
      revision,
      continue: isMore ? encodeContinue({ revision, after: last }, wish.prefix) : undefined,
      remaining: isMore && wish.selection.all ? remaining : undefined,
    }
  }

  async #read(wish: PageWish, revision: number, after: string | undefined, limit: number): Promise<Page<ObjectFacts>> {
    const options = { after, limit: limit === 0 ? undefined : limit }
    if (revision === this.storage.revision) return this.storage.page(wish.prefix, options)
    try {
      const horizon = this.horizon()
      if (revision < horizon) throw new RevisionCompacted(revision, horizon)
      const page = await this.storage.pageAt(wish.prefix, revision, options)
      return this.#at === undefined ? page : { ...page, entries: asDefinedThen(wish.resource, page.entries) }
    } catch (error) {
      if (error instanceof RevisionCompacted) throw this.#expired(wish, error)
      if (error instanceof RevisionAhead) throw tooLarge(revision, this.#newest)
      throw asAnswer(error, 'the past cannot be read')
    }
  }

  #expired(wish: PageWish, cause: Error): StatusError {
    if (!wish.isContinued || this.#at !== undefined) {
      return new StatusError('Expired', 'The resourceVersion for the provided list is too old.', { cause })
    }
    const message =
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, ' +
      'or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an ' +
      'inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'
    return new StatusError('Expired', message, { cause, continue: encodeContinue({ revision: -1, after: wish.after! }, wish.prefix) })
  }

  #refuseFuture(revision: number): void {
    if (revision > this.#newest) throw tooLarge(revision, this.#newest)
  }
}

/** What reads of the past have besides the store. */
export interface PastReads {
  readonly revision: number
  /** The reads of the present: what is kept for them, and whose turn it is, is one. */
  readonly of: ObjectStore
}

/** What selection knows of objects whose kind may since have been defined anew. */
export function asDefinedThen({ custom }: Resource, entries: readonly StoredEntry[]): readonly StoredEntry[] {
  if (!custom) return entries
  return entries.map(({ key, value, revision, createRevision }) => {
    const facts = custom.factsOf(readExactJson(value.toString()) as KubeObject, true)
    return { key, value, revision, createRevision, facts }
  })
}

interface PageWish {
  readonly resource: Resource
  readonly selection: Selection
  readonly prefix: string
  readonly limit: number
  readonly revision: number
  readonly after: string | undefined
  readonly isContinued: boolean
}

function tooLarge(asked: number, newest: number): StatusError {
  return new StatusError('Timeout', `Too large resource version: ${asked}, current: ${newest}`, {
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
  })
}
