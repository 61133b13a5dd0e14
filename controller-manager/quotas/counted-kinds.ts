import type { Client } from '../../shared/client/client.ts'
import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import type { ReflectorSource } from '../../shared/informer/reflector.ts'
import { createInformer } from '../../shared/informer/shared-informers.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { quotaKindOf } from '../../shared/quota/quota.ts'
import type { QuotaKind } from '../../shared/quota/quota-kind.ts'
import type { ServedResource } from '../metadata/discovery.ts'
import { followServed } from '../metadata/follow-served.ts'
import { metadataSource } from '../metadata/metadata-source.ts'

/** Of these more than metadata counts, and the controller manager has caches of them already. */
const IN_CACHE = new Set(['pods', 'services'])

const CLAIMS = '/persistentvolumeclaims'

interface CountedKind {
  readonly kind: QuotaKind
  readonly synced: boolean
  list(namespace: string): readonly KubeObject[]
}

/**
 * The kinds that quotas name, each followed from when the first one names it, by its metadata alone (but claims, which have a size): a quota
 * may count anything that is served, and most clusters count little.
 */
export class CountedKinds {
  readonly #tools: ControllerTools
  readonly #gone: (namespace: string) => void
  readonly #come: (namespace: string) => void
  readonly #served = new Map<string, { readonly resource: ServedResource; readonly kind: QuotaKind }>()
  readonly #followed = new Map<string, CountedKind>()
  #isKnown = false

  /** @param told called with the namespace whenever an object of a followed kind is gone, or has come */
  constructor(tools: ControllerTools, told: { gone(namespace: string): void; come(namespace: string): void }) {
    this.#tools = tools
    this.#gone = told.gone
    this.#come = told.come
  }

  /** Looks for kinds until the signal aborts. `changed` is called when there are more. */
  async discover(signal: AbortSignal, changed: () => void): Promise<void> {
    await followServed(this.#tools, signal, (served) => {
      const before = this.#served.size
      // A quota would wait for a server that is away.
      for (const resource of served) if (!resource.isStale) this.#add(resource)
      const isNews = !this.#isKnown || this.#served.size > before
      this.#isKnown = true
      if (isNews) changed()
    })
  }

  /** The kinds, besides those in shared caches, that these names are about; undefined while some of them are still being listed. */
  named(names: readonly string[]): readonly CountedKind[] | undefined {
    if (!this.#isKnown) return undefined
    const wanted: CountedKind[] = []
    for (const [key, { resource, kind }] of this.#served) {
      if (names.some((name) => kind.counts(name))) wanted.push(this.#follow(key, resource, kind))
    }
    return wanted.every(({ synced }) => synced) ? wanted : undefined
  }

  #add(resource: ServedResource): void {
    const { group, plural, namespaced, verbs } = resource
    const key = `${group}/${plural}`
    if (this.#served.has(key) || !namespaced || (group === '' && IN_CACHE.has(plural))) return
    if (!['create', 'list', 'watch', 'delete'].every((verb) => verbs.includes(verb))) return
    const kind = quotaKindOf(group, plural)
    if (kind) this.#served.set(key, { resource, kind })
  }

  #follow(key: string, resource: ServedResource, kind: QuotaKind): CountedKind {
    const known = this.#followed.get(key)
    if (known) return known
    const { client, signal } = this.#tools
    const source = key === CLAIMS ? claimSource(client) : metadataSource(client, resource)
    const informer = createInformer<KubeObject>(`${key} for quotas`, source, this.#tools)
    informer.onChange((_key, current, previous) => {
      if (!current && previous) this.#gone(previous.metadata.namespace ?? '')
      if (current && !previous) this.#come(current.metadata.namespace ?? '')
    })
    const followed: CountedKind = {
      kind,
      get synced() {
        return informer.synced
      },
      list: (namespace) => informer.cache.list(namespace),
    }
    this.#followed.set(key, followed)
    informer.start(signal)
    return followed
  }
}

function claimSource(client: Client): ReflectorSource<KubeObject> {
  return {
    list: (options) => client.list('v1', 'PersistentVolumeClaim', options),
    watch: (options) => client.watch('v1', 'PersistentVolumeClaim', options),
  }
}
