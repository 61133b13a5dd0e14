import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import { parseStored } from '../ownership/packed-fields.ts'
import { type Change, type Storage, StorageConflict, type Subscription } from '../storage/storage.ts'
import type { ObjectFacts, StoredEntry } from './object-facts.ts'
import type { Resource, ResourceTable } from './resource-table.ts'
import type { ObjectWriter } from './write-object.ts'

/** How much longer than their time objects live at most, and how long nobody looks at most where nothing is due; milliseconds. */
const INTERVAL = 5_000
const LONGEST_PAUSE = 60_000

const self: User = { name: systemUser.apiserver, groups: [systemGroup.masters, systemGroup.authenticated] }

interface Queue {
  readonly resource: Resource
  readonly lifetime: number
  /** In the order of writing, which is the order of expiry: only the head is ever looked at. */
  readonly entries: { readonly key: string; readonly revision: number; readonly expires: number }[]
  head: number
}

/**
 * Removes objects whose kind says how long they live after their last write (Events). Costs what expires, not what exists.
 * What was there at the start begins its time anew.
 */
export class Expiry {
  readonly #queues = new Map<string, Queue>()
  readonly #storage: Storage<ObjectFacts>
  readonly #writer: ObjectWriter
  readonly #clock: Clock
  readonly #log: Logger
  #subscription: Subscription | undefined
  #timer: Timer | undefined
  #isStopped = false

  constructor(table: ResourceTable, storage: Storage<ObjectFacts>, writer: ObjectWriter, tools: { clock: Clock; log: Logger }) {
    this.#storage = storage
    this.#writer = writer
    this.#clock = tools.clock
    this.#log = tools.log
    for (const resource of table.all()) {
      const seconds = resource.definition.hooks.timeToLiveSeconds
      if (seconds !== undefined) this.#queues.set(resource.prefix, { resource, lifetime: seconds * 1000, entries: [], head: 0 })
    }
  }

  start(): void {
    if (this.#queues.size === 0) return
    this.#follow()
    this.#lookLater()
  }

  /** From what is there now on; when the store ends the stream of changes, anew. */
  #follow(): void {
    this.#subscription = this.#storage.subscribe(
      this.#storage.revision,
      (changes) => this.#note(changes),
      (error) => {
        if (this.#isStopped) return
        this.#log.error('the store ended the stream of changes; what was written meanwhile begins its time now', { error })
        this.#follow()
      },
    )
    const now = this.#clock.now()
    for (const queue of this.#queues.values()) {
      const queued = new Set(queue.entries.map(({ revision }) => revision))
      for (const { key, revision } of this.#storage.entries(queue.resource.prefix)) {
        if (!queued.has(revision)) queue.entries.push({ key, revision, expires: now + queue.lifetime })
      }
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#subscription?.close()
  }

  #lookLater(): void {
    if (this.#isStopped) return
    const now = this.#clock.now()
    const waits = [...this.#queues.values()].map(({ entries, head, lifetime }) => (entries[head]?.expires ?? now + lifetime) - now)
    const pause = Math.min(Math.max(INTERVAL, Math.min(...waits)), LONGEST_PAUSE)
    this.#timer = this.#clock.after(pause, () => void this.#expire().finally(() => this.#lookLater()))
  }

  #note(changes: readonly Change<ObjectFacts>[]): void {
    const now = this.#clock.now()
    for (const { type, key, revision } of changes) {
      if (type !== 'put') continue
      const queue = this.#queues.get(key.slice(0, key.indexOf('/', key.indexOf('/') + 1) + 1))
      queue?.entries.push({ key, revision, expires: now + queue.lifetime })
    }
  }

  async #expire(): Promise<void> {
    const now = this.#clock.now()
    for (const queue of this.#queues.values()) {
      for (let next = queue.entries[queue.head]; next && next.expires <= now; next = queue.entries[queue.head]) {
        queue.head++
        const entry = this.#storage.get(next.key)
        // A later write has its own place in the queue.
        if (entry?.revision === next.revision) await this.#remove(queue.resource, entry)
      }
      if (queue.head > 1_000 || queue.head === queue.entries.length) {
        queue.entries.splice(0, queue.head)
        queue.head = 0
      }
    }
  }

  async #remove(resource: Resource, entry: StoredEntry): Promise<void> {
    const { namespace, name } = entry.facts
    const last = parseStored(entry.value)
    try {
      await this.#writer.remove({ resource, namespace, name, subresource: '', user: self, dryRun: false, warn() {} }, entry, last)
    } catch (error) {
      // Written or deleted meanwhile: not ours any more. Anything else is tried again when the server starts next.
      if (!(error instanceof StorageConflict)) this.#log.warn('an expired object could not be removed', { key: entry.key, error })
    }
  }
}
