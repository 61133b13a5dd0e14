import type { Clock } from '../../shared/time/clock.ts'
import type { ApiRequest } from '../http/exchange.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import { asDefinedThen, ObjectStore, storageKey } from '../registry/read-object.ts'
import type { Resource, ResourceTable } from '../registry/resource-table.ts'
import { StoredObjects } from '../registry/stored-objects.ts'
import type { ObjectWriter } from '../registry/write-object.ts'
import type { Storage } from '../storage/storage.ts'
import { BODY_LIMIT, headerOf, parse, type VerbTools } from '../verbs/call.ts'
import { type Moment, momentOf, readingPast } from './moment.ts'
import type { PastKinds, PastKindsOfMoment } from './past-kinds.ts'
import { pastStorage } from './past-storage.ts'

export interface RewindParts {
  readonly verbs: VerbTools
  readonly storage: Storage<ObjectFacts>
  readonly kinds: PastKinds
  /** A writer for dry runs over that store. */
  readonly writerOver: (storage: Storage<ObjectFacts>, objects: StoredObjects) => ObjectWriter
}

/** The API as it was at a moment. */
export interface Past {
  readonly moment: Moment
  readonly table: ResourceTable
  readonly paths: PastKindsOfMoment['paths']
  /** The tools of verbs for a request that is about the resource. */
  verbsFor(resource: Resource, info: RequestInfo, request: ApiRequest): Promise<VerbTools>
}

/** Opens the past: for a request below `/rewind/<moment>/` everything that verbs work with is what it was, but who may do what and what the rules are. */
export class Rewind {
  readonly #parts: RewindParts

  constructor(parts: RewindParts) {
    this.#parts = parts
  }

  /** @throws StatusError BadRequest, Expired, ServiceUnavailable */
  async at(text: string): Promise<Past> {
    const { storage, verbs, kinds } = this.#parts
    return readingPast(text, storage, async () => {
      // Another server may have given the revision.
      if (Number(text) > storage.revision) await storage.barrier()
      const moment = await momentOf(text, storage, verbs.clock.now())
      const { table, paths } = await kinds.at(moment.revision)
      const verbsFor = async (resource: Resource, info: RequestInfo, request: ApiRequest) => {
        const key = await keyOfRequest(resource, info, request)
        const was = key === '' ? undefined : await readingPast(text, storage, () => storage.getAt(key, moment.revision))
        return this.#verbsOver(moment, table, pastStorage(storage, key, was && asDefinedThen(resource, [was])[0]))
      }
      return { moment, table, paths, verbsFor }
    })
  }

  #verbsOver({ revision, time }: Moment, table: ResourceTable, over: Storage<ObjectFacts>): VerbTools {
    const { storage, verbs, writerOver } = this.#parts
    const objects = new StoredObjects(over, table)
    const past = { revision, of: verbs.store }
    return {
      ...verbs,
      ...{ table, objects, clock: clockAt(verbs.clock, time) },
      store: new ObjectStore(over, () => storage.compacted, verbs.clock, past),
      writer: writerOver(over, objects),
    }
  }
}

/** Of the one object that a request is about; empty where it is about several, or the server is to find a name. @throws StatusError BadRequest */
async function keyOfRequest(resource: Resource, info: RequestInfo, request: ApiRequest): Promise<string> {
  const name = info.name === '' && info.verb === 'create' ? await nameInBody(resource, request) : info.name
  const namespace = resource.namespaced ? info.namespace : ''
  // A collection's path with a name in it, or the other way round, is refused by what comes next.
  if (name === '' || (resource.namespaced && namespace === '')) return ''
  return storageKey(resource, namespace, name)
}

/** Of an object that is to be made; empty where the server is to find one. @throws StatusError BadRequest */
async function nameInBody(resource: Resource, request: ApiRequest): Promise<string> {
  const { value } = parse(await request.readBody(BODY_LIMIT), headerOf(request, 'content-type'), resource)
  if (typeof value !== 'object' || value === null || !('metadata' in value)) return ''
  const { metadata } = value
  const isNamed = typeof metadata === 'object' && metadata !== null && 'name' in metadata
  return isNamed && typeof metadata.name === 'string' && !metadata.name.includes('/') ? metadata.name : ''
}

/** Ages of tables are those of then. */
function clockAt(clock: Clock, time: number): Clock {
  return {
    now: () => time,
    monotonic: () => clock.monotonic(),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
    after: (milliseconds, action) => clock.after(milliseconds, action),
    every: (milliseconds, action) => clock.every(milliseconds, action),
  }
}
