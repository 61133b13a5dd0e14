import type { HTTPIngressPath, Ingress, IngressBackend } from '../../shared/openapi/generated/networking-v1.ts'
import { HostRoutes } from './host-routes.ts'
import { type IngressSettings, readIngressSettings } from './ingress-settings.ts'
import type { BackendReference, Route } from './route.ts'

/** Something about an Ingress that its author should know. */
export interface IngressProblem {
  readonly ingress: Ingress
  /** As Events have it. */
  readonly reason: string
  readonly message: string
}

/** Which Ingress serves what. Immutable once built. */
export interface RouteTable {
  /** The route of a request, most particular host first. @param host without port, lower case; @param path as `comparedPath` gives it */
  find(host: string, path: string): Route | undefined
  /** Every backend that a route leads to. */
  readonly backends: readonly BackendReference[]
  /** The Ingresses that lead to a backend. */
  usersOf(reference: BackendReference): Iterable<Ingress>
  readonly problems: readonly IngressProblem[]
}

/**
 * Builds the table from the Ingresses to serve, oldest first: of two that want the same host and path the first one has it, and the other
 * one's problem says so. A rule with a wildcard fits one label in its place; one without a host fits all.
 */
export function buildRouteTable(ingresses: readonly Ingress[]): RouteTable {
  const builder = new TableBuilder()
  for (const ingress of ingresses) builder.add(ingress)
  const { hosts, backends, problems } = builder
  return {
    backends: [...backends.values()].map(({ reference }) => reference),
    problems,
    usersOf: (reference) => backends.get(backendKey(reference))?.users ?? [],
    find(host, path) {
      const levels = [hosts.get(host), hosts.get(wildcardOf(host)), hosts.get('')].filter((each) => each !== undefined)
      for (const level of levels) {
        const route = level.find(path)
        if (route) return route
      }
      return levels.find(({ fallback }) => fallback)?.fallback
    },
  }
}

class TableBuilder {
  readonly hosts = new Map<string, HostRoutes>()
  readonly backends = new Map<string, { readonly reference: BackendReference; readonly users: Set<Ingress> }>()
  readonly problems: IngressProblem[] = []

  add(ingress: Ingress): void {
    const { settings, problems } = readIngressSettings(ingress.metadata.annotations)
    for (const message of problems) this.problems.push({ ingress, reason: 'BadAnnotation', message })
    const { rules = [], defaultBackend } = ingress.spec
    for (const { host = '', http } of rules) {
      for (const path of http?.paths ?? []) this.#addPath(ingress, settings, host, path)
      if (defaultBackend && host !== '') this.#addFallback(ingress, settings, host, defaultBackend)
    }
    if (defaultBackend) this.#addFallback(ingress, settings, '', defaultBackend)
  }

  #addPath(ingress: Ingress, settings: IngressSettings, host: string, { path = '', pathType, backend }: HTTPIngressPath): void {
    const route = { ingress, settings, host, path: path === '' ? '/' : path, backend: this.#backend(ingress, backend) }
    // ImplementationSpecific: here it is a prefix.
    const present = this.#of(host).add(route, pathType === 'Exact')
    if (!present) return
    const where = `${host || '*'}${route.path}`
    const message =
      present.ingress === ingress
        ? `${where} stands twice in this Ingress: the first one counts`
        : `${where} is served by the older Ingress ${keyOf(present.ingress)}: this one’s path is not used`
    this.problems.push({ ingress, reason: 'PathConflict', message })
  }

  /** Of several defaults for everything the oldest serves; that others have one, too, is no mistake of theirs. */
  #addFallback(ingress: Ingress, settings: IngressSettings, host: string, backend: IngressBackend): void {
    this.#of(host).fallback ??= { ingress, settings, host, path: '', backend: this.#backend(ingress, backend) }
  }

  #of(host: string): HostRoutes {
    const present = this.hosts.get(host) ?? new HostRoutes()
    this.hosts.set(host, present)
    return present
  }

  #backend(ingress: Ingress, { service }: IngressBackend): BackendReference | undefined {
    if (!service) {
      const message = 'a backend that is no Service is not served here: its requests are answered 503'
      this.problems.push({ ingress, reason: 'BackendNotServed', message })
      return undefined
    }
    const reference = {
      namespace: ingress.metadata.namespace ?? '',
      service: service.name,
      port: service.port.name || (service.port.number ?? 0),
    }
    const key = backendKey(reference)
    const present = this.backends.get(key) ?? { reference, users: new Set() }
    present.users.add(ingress)
    this.backends.set(key, present)
    return present.reference
  }
}

/** `namespace/service:port`, one text for each backend. */
export function backendKey({ namespace, service, port }: BackendReference): string {
  return `${namespace}/${service}:${port}`
}

/** The name of the rule that fits a host by its wildcard: `*.example.com` for `web.example.com`. */
export function wildcardOf(host: string): string {
  const dot = host.indexOf('.')
  return dot <= 0 ? '*' : `*${host.slice(dot)}`
}

export function keyOf({ metadata }: Ingress): string {
  return `${metadata.namespace}/${metadata.name}`
}
