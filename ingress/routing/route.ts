import type { Ingress } from '../../shared/openapi/generated/networking-v1.ts'
import type { IngressSettings } from './ingress-settings.ts'

/** A port of a Service, as an Ingress names it. */
export interface BackendReference {
  readonly namespace: string
  readonly service: string
  /** Name or number. */
  readonly port: string | number
}

/** Where requests of one path of one Ingress go. */
export interface Route {
  readonly ingress: Ingress
  readonly settings: IngressSettings
  /** As it stands in the rule, `*.example.com`; empty for every host. */
  readonly host: string
  /** As it stands in the rule; empty for a default backend. */
  readonly path: string
  /** Undefined: an object that is no Service, which nobody here serves. */
  readonly backend: BackendReference | undefined
}
