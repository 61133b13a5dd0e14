import type { Informers } from '../shared/informer/informer.ts'
import { objectKey } from '../shared/objects/object.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import type { ComponentTools } from '../shared/process/component.ts'
import { Backends } from './backends/backends.ts'
import type { Dial } from './backends/endpoint.ts'
import { buildRouteTable, type IngressProblem, type RouteTable } from './routing/route-table.ts'
import { servedIngresses } from './routing/served-ingresses.ts'
import { Certificates } from './tls/certificates.ts'
import { SecretWatches } from './tls/secret-watches.ts'

/** Routes, backends and certificates, kept equal to what the cluster says. */
export class Serving {
  readonly backends: Backends
  readonly certificates: Certificates
  readonly #secrets: SecretWatches
  readonly #tools: ComponentTools
  readonly #sources: ReturnType<typeof sourcesOf>
  readonly #unfollow: (() => void)[] = []
  #table: RouteTable = buildRouteTable([])
  #isDirty = false
  /** Told after each change. */
  onChange: () => void = () => undefined

  constructor(tools: ComponentTools, dial: Dial) {
    this.#tools = tools
    this.#sources = sourcesOf(tools.informers)
    const { services, slices } = this.#sources
    this.backends = new Backends({ service: (key) => services.cache.get(key), slices: (key) => slices.cache.lookup('service', key) }, dial)
    this.certificates = new Certificates(tools.log)
    this.#secrets = new SecretWatches(tools, (key, secret) => {
      this.certificates.set(key, secret)
      this.onChange()
    })
  }

  get table(): RouteTable {
    return this.#table
  }

  /** Begins to follow; resolves when certificates are known, too, or after `patience` milliseconds. The caches must be filled. */
  async start(patience: number): Promise<void> {
    const { ingresses, classes, services, slices } = this.#sources
    this.#rebuild()
    const soon = () => {
      if (this.#isDirty) return
      this.#isDirty = true
      // Many changes that come together are one.
      queueMicrotask(() => this.#rebuild())
    }
    this.#unfollow.push(ingresses.onChange(soon), classes.onChange(soon))
    const changed = (service: string | undefined) => {
      if (service === undefined) return
      this.backends.changed(service)
      this.onChange()
    }
    this.#unfollow.push(services.onChange((key) => changed(key)))
    this.#unfollow.push(
      slices.onChange((_key, current, previous) => {
        for (const service of new Set([current && serviceOf(current), previous && serviceOf(previous)])) changed(service)
      }),
    )
    const late = new AbortController()
    const timer = this.#tools.clock.after(patience, () => late.abort(new Error('not all Secrets are known yet')))
    await this.#secrets.whenKnown(late.signal)
    timer.cancel()
  }

  stop(): void {
    for (const unfollow of this.#unfollow.splice(0)) unfollow()
    this.#secrets.stop()
    this.backends.keep([])
  }

  /** All that authors of Ingresses should know. A backend whose Pods are not ready is no mistake of theirs. */
  *problems(): Generator<IngressProblem> {
    yield* this.#table.problems
    yield* this.certificates.problems(this.#tools.clock.now())
    for (const { reference, problem } of this.backends.problems()) {
      for (const ingress of this.#table.usersOf(reference)) yield { ingress, reason: 'BackendNotFound', message: problem }
    }
  }

  #rebuild(): void {
    this.#isDirty = false
    const { ingresses, classes } = this.#sources
    const served = servedIngresses(ingresses.cache.list(), classes.cache.list())
    const table = buildRouteTable(served)
    // Backends first: the table must not lead to what is not known.
    this.backends.keep(table.backends)
    this.#table = table
    this.#secrets.keep(this.certificates.follow(served))
    this.onChange()
  }
}

function sourcesOf(informers: Informers) {
  return {
    ingresses: informers.of('networking.k8s.io/v1', 'Ingress'),
    classes: informers.of('networking.k8s.io/v1', 'IngressClass'),
    services: informers.of('v1', 'Service'),
    slices: informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOf }),
  }
}

function serviceOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.['kubernetes.io/service-name']
  return name === undefined ? undefined : objectKey({ metadata: { namespace: slice.metadata.namespace, name } })
}
