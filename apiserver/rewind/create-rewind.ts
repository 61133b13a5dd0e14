import type { Logger } from '../../shared/logging/logger.ts'
import type { CustomResourceDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { User } from '../authn/user.ts'
import { type PathTools, pathHandlers } from '../discovery/paths.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import type { CustomKind } from '../registry/resource-table.ts'
import type { Storage } from '../storage/storage.ts'
import type { VerbTools } from '../verbs/call.ts'
import { changesHandler } from './changes-handler.ts'
import { historyHandler, momentHandler } from './history-paths.ts'
import { PastKinds } from './past-kinds.ts'
import { type Past, Rewind, type RewindParts } from './rewind.ts'

export interface CreateRewindParts {
  readonly storage: Storage<ObjectFacts>
  readonly verbs: VerbTools
  readonly writerOver: RewindParts['writerOver']
  readonly kindOf: (definition: CustomResourceDefinition) => CustomKind
  readonly paths: PathTools
  readonly authorize: ResourceServices['authorize']
  /** What is known of how a change came about. */
  readonly aboutChange: (revision: number) => object | undefined
  readonly log: Logger
}

/** Everything below `/rewind`. */
export function createRewind({ storage, verbs, writerOver, kindOf, paths, authorize, aboutChange, log }: CreateRewindParts) {
  // What other servers serve is not stored here.
  const remotes = { all: () => [], revision: 0 }
  const kinds = new PastKinds({
    ...{ storage, table: verbs.table, kindOf, log },
    pathsOf: (table) => pathHandlers({ ...paths, table, remotes }),
  })
  const rewind = new Rewind({ verbs, storage, kinds, writerOver })
  const past = (moment: string) => rewind.at(moment)
  const changes = { storage, turns: verbs.store.turns, authorize, past, aboutChange }
  return {
    past,
    momentPaths(path: string, past: Past, user: User) {
      if (path === '/rewind') return momentHandler(past.moment)
      return path === '/rewind/changes' ? changesHandler(past, user, changes) : undefined
    },
    history: historyHandler(storage),
  }
}
