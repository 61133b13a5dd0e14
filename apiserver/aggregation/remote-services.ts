import { sameJson } from '../../shared/objects/same-json.ts'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { API, KIND } from './local-services.ts'
import type { RemoteResource } from './remote-resources.ts'

/** Where the OpenAPI v3 documents of groups' versions are. */
const DOCUMENTS = '/openapi/v3/'

/** An APIService of somebody else's server, and what is known of it. */
export interface RemoteService {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly service: APIService
  /** What it said that it serves; undefined: nothing yet. */
  readonly resources: readonly RemoteResource[] | undefined
  /** Under which hash it has an OpenAPI v3 document of the group's version, empty where it gives none; undefined: it has no document. */
  readonly openApiHash: string | undefined
  /** What it serves now could not be read. */
  readonly isStale: boolean
}

/** The groups' versions that other servers serve, by what their APIServices say now. The core group is always ours. */
export class RemoteServices {
  readonly #byName = new Map<string, RemoteService>()
  #revision = 0

  /** Another number after every change of what clients are told. */
  get revision(): number {
    return this.#revision
  }

  /** Returns the unsubscriber. */
  follow(reader: ObjectReader): () => void {
    return reader.follow(API, KIND, (current, previous) => {
      const name = (current ?? previous)?.metadata.name ?? ''
      const { group = '', version = '', service } = current?.spec ?? {}
      const known = this.#byName.get(name)
      if (current && service && group !== '') {
        this.#byName.set(name, {
          ...{ name, group, version, service: current },
          ...{ resources: known?.resources, openApiHash: known?.openApiHash, isStale: known?.isStale ?? true },
        })
      } else if (!this.#byName.delete(name)) return
      this.#revision++
    })
  }

  /** Takes what a server said of itself; undefined: it could not be asked. */
  learn(name: string, said: Pick<RemoteService, 'resources' | 'openApiHash'> | undefined): void {
    const known = this.#byName.get(name)
    if (!known) return
    const next = { ...known, ...said, isStale: said === undefined }
    if (sameJson(told(known), told(next))) return
    this.#byName.set(name, next)
    this.#revision++
  }

  get(name: string): RemoteService | undefined {
    return this.#byName.get(name)
  }

  all(): readonly RemoteService[] {
    return [...this.#byName.values()]
  }

  /** Whose a request is, where it is not ours. */
  ofRequest(info: RequestInfo): RemoteService | undefined {
    if (this.#byName.size === 0) return undefined
    if (info.isResource) return info.group === '' ? undefined : this.#byName.get(`${info.version}.${info.group}`)
    const isDocument = info.path.startsWith(DOCUMENTS)
    const path = isDocument ? info.path.slice(DOCUMENTS.length - 1) : info.path
    const [, root, group, version, ...rest] = path.split('/')
    if (root !== 'apis' || !group || !version || rest.some((part) => part !== '')) return undefined
    const remote = this.#byName.get(`${version}.${group}`)
    return isDocument && remote?.openApiHash === undefined ? undefined : remote
  }
}

/** What clients are told of it. */
const told = ({ resources, openApiHash, isStale }: RemoteService) => [resources, openApiHash, isStale]
