import { createHash } from 'node:crypto'
import { BoundedCache, type CacheLimits } from '../../shared/limits/bounded-cache.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { CustomResourceDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import { isConditionTrue } from '../custom-resources/definition/definition-conditions.ts'
import { API, KIND } from '../custom-resources/definition/definition-keeper.ts'
import type { pathHandlers } from '../discovery/paths.ts'
import type { ObjectFacts, StoredEntry } from '../registry/object-facts.ts'
import type { CustomKind, ResourceTable } from '../registry/resource-table.ts'
import type { Storage } from '../storage/storage.ts'

export interface PastKindsParts {
  readonly storage: Pick<Storage<ObjectFacts>, 'pageAt'>
  /** What is served now; the kinds of the release are taken from it. */
  readonly table: ResourceTable
  /** Makes the kind of a definition. @throws Error for one that cannot be compiled */
  readonly kindOf: (definition: CustomResourceDefinition) => CustomKind
  /** Serves the documents of a table. */
  readonly pathsOf: (table: ResourceTable) => PathHandlers
  readonly log: Logger
}

type PathHandlers = ReturnType<typeof pathHandlers>

/** What was served at a moment. */
export interface PastKindsOfMoment {
  readonly table: ResourceTable
  /** Discovery and OpenAPI of it. */
  readonly paths: PathHandlers
}

/** With its documents a set of kinds is a few megabytes, and moments mostly have the same. */
const SET_BYTES = 8 * 2 ** 20
const SETS: CacheLimits = { bytes: 4 * SET_BYTES + 2 ** 10, keyCharacters: 64 }
const KINDS: CacheLimits = { bytes: 32 * 2 ** 20, keyCharacters: 600 }
/** What a compiled definition takes, in bytes for each of its source. */
const COMPILED = 8
const MOMENTS: CacheLimits = { bytes: 2 ** 18, keyCharacters: 16 }

/** Custom kinds as they were defined at a moment, beside those of the release that runs. What they are made of never changes, so it is kept. */
export class PastKinds {
  readonly #parts: PastKindsParts
  readonly #sets = new BoundedCache<PastKindsOfMoment>(SETS)
  readonly #kinds = new BoundedCache<CustomKind>(KINDS)
  /** Which set a revision had. */
  readonly #moments = new BoundedCache<string>(MOMENTS)

  constructor(parts: PastKindsParts) {
    this.#parts = parts
  }

  /** @throws RevisionCompacted, StorageUnavailable */
  async at(revision: number): Promise<PastKindsOfMoment> {
    const known = this.#sets.get(this.#moments.get(String(revision)) ?? '')
    if (known) return known
    const { storage, table, pathsOf } = this.#parts
    const { entries } = await storage.pageAt(table.ofKind(API, KIND)!.prefix, revision, {})
    const set = createHash('sha256')
      .update(entries.map((entry) => `${entry.key}@${entry.revision}`).join())
      .digest('base64')
    this.#moments.set(String(revision), set)
    const same = this.#sets.get(set)
    if (same) return same
    const past = table.withCustomKinds(entries.map((entry) => [entry.key, this.#kindOf(entry)] as const))
    const made = { table: past, paths: pathsOf(past) }
    this.#sets.set(set, made, SET_BYTES - 2 ** 8)
    return made
  }

  /** Undefined for a definition that was not served. */
  #kindOf({ key, revision, value }: StoredEntry): CustomKind | undefined {
    const { kindOf, log } = this.#parts
    const place = `${key}@${revision}`
    const known = this.#kinds.get(place)
    if (known) return known
    const definition = JSON.parse(value.toString()) as CustomResourceDefinition
    if (!isConditionTrue(definition, 'Established')) return undefined
    try {
      const kind = kindOf(definition)
      this.#kinds.set(place, kind, value.length * COMPILED)
      return kind
    } catch (error) {
      log.error('a custom resource definition of the past cannot be served', { definition: place, error })
      return undefined
    }
  }
}
