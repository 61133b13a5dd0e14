import type { Logger } from '../../shared/logging/logger.ts'
import type { CustomResourceDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { User } from '../authn/user.ts'
import { type PathTools, pathHandlers } from '../discovery/paths.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import type { CustomKind } from '../registry/resource-table.ts'
import type { Storage } from '../storage/storage.ts'
import type { VerbTools } from '../verbs/call.ts'
import { historyHandler, momentHandler } from './history-paths.ts'
import { PastKinds } from './past-kinds.ts'
import { type Past, Rewind, type RewindParts } from './rewind.ts'

export interface CreateRewindParts {
  readonly storage: Storage<ObjectFacts>
  readonly verbs: VerbTools
  readonly writerOver: RewindParts['writerOver']
  readonly kindOf: (definition: CustomResourceDefinition) => CustomKind
  readonly paths: PathTools
  readonly log: Logger
}

/** Everything below `/rewind`. */
export function createRewind({ storage, verbs, writerOver, kindOf, paths, log }: CreateRewindParts) {
  // What other servers serve is not stored here.
  const remotes = { all: () => [], revision: 0 }
  const kinds = new PastKinds({
    ...{ storage, table: verbs.table, kindOf, log },
    pathsOf: (table) => pathHandlers({ ...paths, table, remotes }),
  })
  const rewind = new Rewind({ verbs, storage, kinds, writerOver })
  return {
    past: (moment: string) => rewind.at(moment),
    momentPaths: (path: string, past: Past, _user: User) => (path === '/rewind' ? momentHandler(past.moment) : undefined),
    history: historyHandler(storage),
  }
}
