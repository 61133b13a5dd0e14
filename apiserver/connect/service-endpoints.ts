import type { Service, ServicePort } from '../../shared/openapi/generated/core-v1.ts'
import type { ObjectReader } from '../registry/object-reader.ts'

/** Somewhere that answers for a Service. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** The port of a Service that a text names: its name or number; without one its only port. */
export function servicePortOf(service: Service, port: string): ServicePort | undefined {
  const ports = service.spec.ports ?? []
  if (port === '') return ports.length === 1 ? ports[0] : undefined
  return ports.find((one) => one.name === port || String(one.port) === port)
}

/**
 * The ready endpoints of a port of a Service, as its EndpointSlices say. This server runs no proxy of cluster IPs: it dials what they stand for,
 * for which it has routes.
 */
export function readyEndpoints(reader: ObjectReader, namespace: string, service: string, portName: string): Endpoint[] {
  const slices = reader.list('discovery.k8s.io/v1', 'EndpointSlice', namespace)
  return slices
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap((slice) => {
      const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port
      const ready = (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false)
      return port ? ready.flatMap(({ addresses }) => (addresses ?? []).slice(0, 1).map((host) => ({ host, port }))) : []
    })
}
