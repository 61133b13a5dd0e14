import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import type { BackendReference } from '../routing/route.ts'
import { backendKey } from '../routing/route-table.ts'
import { Backend } from './backend.ts'
import type { Dial } from './endpoint.ts'
import { resolveBackend } from './resolve-backend.ts'

/** What backends are found in: always the present. */
export interface BackendSource {
  /** @param key `namespace/name` */
  service(key: string): Service | undefined
  slices(serviceKey: string): readonly EndpointSlice[]
}

/** Every backend that a route leads to, kept equal to its Service and slices. */
export class Backends {
  readonly #source: BackendSource
  readonly #dial: Dial
  readonly #known = new Map<string, { readonly reference: BackendReference; readonly backend: Backend }>()
  readonly #byService = new Map<string, Set<string>>()

  constructor(source: BackendSource, dial: Dial) {
    this.#source = source
    this.#dial = dial
  }

  get(reference: BackendReference): Backend | undefined {
    return this.#known.get(backendKey(reference))?.backend
  }

  /** What routes lead to from now on; what they no longer do is let go. */
  keep(references: readonly BackendReference[]): void {
    const gone = new Map(this.#known)
    for (const reference of references) {
      const key = backendKey(reference)
      gone.delete(key)
      if (this.#known.has(key)) continue
      this.#known.set(key, { reference, backend: new Backend(this.#dial) })
      const service = serviceKey(reference)
      const keys = this.#byService.get(service) ?? new Set()
      this.#byService.set(service, keys.add(key))
      this.#resolve(key)
    }
    for (const [key, { reference, backend }] of gone) {
      this.#known.delete(key)
      const service = serviceKey(reference)
      const keys = this.#byService.get(service)
      keys?.delete(key)
      if (keys?.size === 0) this.#byService.delete(service)
      backend.set({ addresses: [], protocol: 'http', problem: 'no Ingress leads to it any more' })
    }
  }

  /** Something about a Service changed. @param service `namespace/name` */
  changed(service: string): void {
    for (const key of this.#byService.get(service) ?? []) this.#resolve(key)
  }

  /** Of backends that lack what only a person can give: their references, and why. */
  *problems(): Generator<{ reference: BackendReference; problem: string }> {
    for (const { reference, backend } of this.#known.values()) {
      if (backend.problem !== undefined && !backend.isPassing) yield { reference, problem: backend.problem }
    }
  }

  #resolve(key: string): void {
    const known = this.#known.get(key)
    if (!known) return
    const service = serviceKey(known.reference)
    known.backend.set(resolveBackend(known.reference, this.#source.service(service), this.#source.slices(service)))
  }
}

function serviceKey({ namespace, service }: BackendReference): string {
  return `${namespace}/${service}`
}
