import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { Resource, ResourceTable } from '../registry/resource-table.ts'
import type { StoredObjects } from '../registry/stored-objects.ts'
import type { ClaimBook, Holding } from '../storage/claims.ts'
import type { Storage } from '../storage/storage.ts'

/** Milliseconds between two looks at everything. */
const INTERVAL = 60_000
const AT_ONCE = 16

export interface ClaimKeeperParts {
  readonly storage: Pick<Storage<StoredEntry['facts']>, 'claims' | 'entries' | 'get'>
  readonly table: Pick<ResourceTable, 'all'>
  readonly objects: Pick<StoredObjects, 'objectOf' | 'upToDate'>
  readonly clock: Clock
  readonly log: Logger
}

interface Repair {
  readonly name: string
  readonly found: Holding | undefined
  readonly object: { readonly key: string; readonly revision: number }
  readonly isHolder: boolean
}

/**
 * Sees to it that what objects claim is theirs in the store too, and that nothing is claimed by what is not there. Writes keep the two equal, so it is for
 * what came otherwise: a store that a single server wrote until now, a server of an older version beside this one, a hand in etcd. Where two objects have
 * the same already, nobody can decide: the one that holds it keeps it. Each repair names the claim and the object as they were seen.
 */
export class ClaimKeeper {
  readonly #parts: ClaimKeeperParts
  /** What was parsed once needs not be again. */
  readonly #known = new WeakMap<StoredEntry, readonly string[]>()
  #timer: Timer | undefined
  #looking: Promise<void> | undefined

  constructor(parts: ClaimKeeperParts) {
    this.#parts = parts
  }

  /** Resolves when all that is stored has what it claims: nothing may be given before. @throws StorageUnavailable, StatusError ServiceUnavailable */
  async start(): Promise<void> {
    const { claims } = this.#parts.storage
    if (!claims) return
    await this.#repairAll(claims)
    this.#timer = this.#parts.clock.every(INTERVAL, () => {
      this.#looking ??= this.#repairAll(claims)
        .catch((error: unknown) =>
          this.#parts.log.warn('what is claimed could not be compared with what is stored; tried again', { error }),
        )
        .finally(() => {
          this.#looking = undefined
        })
    })
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#looking
  }

  async #repairAll(claims: ClaimBook): Promise<void> {
    const { objects, log } = this.#parts
    const held = new Map<string, Holding>()
    for await (const { name, ...holding } of claims.all()) held.set(name, holding)
    // The present is then no older than what was read.
    await objects.upToDate()
    const repairs = this.#repairs(held)
    let done = 0
    while (repairs.length > 0) {
      const settled = await Promise.all(
        repairs.splice(0, AT_ONCE).map(({ name, found, object, isHolder }) => claims.settle(name, found, object, isHolder)),
      )
      done += settled.filter((isSettled) => isSettled).length
    }
    if (done > 0) log.info('what is claimed is what objects have again', { repaired: done })
  }

  #repairs(held: ReadonlyMap<string, Holding>): Repair[] {
    const { storage, table, log } = this.#parts
    const repairs: Repair[] = []
    const wanted = new Map<string, Map<string, StoredEntry>>()
    for (const resource of table.all()) {
      if (!resource.definition.hooks.claims || resource.further) continue
      for (const entry of storage.entries(resource.prefix)) {
        for (const name of this.#claimsOf(resource, entry)) wanted.set(name, (wanted.get(name) ?? new Map()).set(entry.key, entry))
      }
    }
    for (const [name, holders] of wanted) {
      if (holders.size > 1) log.warn('several objects have what only one may have', { claim: name, objects: [...holders.keys()] })
      const found = held.get(name)
      const [first] = holders.values()
      if (first && !(found && holders.has(found.holder))) repairs.push({ name, found, object: first, isHolder: true })
    }
    for (const [name, found] of held) {
      if (wanted.has(name)) continue
      const revision = storage.get(found.holder)?.revision ?? 0
      repairs.push({ name, found, object: { key: found.holder, revision }, isHolder: false })
    }
    return repairs
  }

  #claimsOf({ definition }: Resource, entry: StoredEntry): readonly string[] {
    const known = this.#known.get(entry)
    if (known) return known
    const names = definition.hooks.claims!(this.#parts.objects.objectOf(entry))
    this.#known.set(entry, names)
    return names
  }
}
