import { StatusError } from '../../shared/errors/status-error.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type Endpoint, readyEndpoints, servicePortOf } from './service-endpoints.ts'

/** Who is to be asked (`clientConfig` of a webhook): a Service or a URL. */
export interface HookAddress {
  /** `https` only. */
  readonly url?: string | undefined
  readonly service?:
    | { readonly namespace: string; readonly name: string; readonly path?: string | undefined; readonly port?: number | undefined }
    | undefined
  /** PEM in base64: the only authorities that count. Absent: those that the machine's programs trust. */
  readonly caBundle?: string | undefined
}

/** Where a question can be put. */
export interface ReachablePlace extends Endpoint {
  /** The name that the certificate must have; undefined: what the URL says. */
  readonly servername: string | undefined
}

const HTTPS = 443

/** The URL in which people see the address; a Service has the name that it has in the cluster, as upstream shows it. */
export function urlOf({ url, service }: HookAddress): URL {
  if (url !== undefined) return new URL(url)
  if (!service) throw new Error('a webhook needs a url or a service')
  const { namespace, name, path = '', port = HTTPS } = service
  return new URL(`https://${name}.${namespace}.svc:${port}${path.startsWith('/') || path === '' ? path : `/${path}`}`)
}

/** The same for sentences: a Service's port is always said. */
export function shownUrl({ href, host, hostname }: URL, { service }: HookAddress): string {
  return service && host === hostname ? href.replace(host, `${host}:${HTTPS}`) : href
}

/** At least one. @throws StatusError ServiceUnavailable with what is missing */
export function placesOf({ service }: HookAddress, url: URL, reader: ObjectReader): readonly ReachablePlace[] {
  if (!service) {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    return [{ host, port: Number(url.port || HTTPS), servername: undefined }]
  }
  return endpointsOf(service, reader).map((endpoint) => ({ ...endpoint, servername: `${service.name}.${service.namespace}.svc` }))
}

/** Where a Service is served. At least one place. @throws StatusError ServiceUnavailable with what is missing */
export function endpointsOf(address: { namespace: string; name: string; port?: number | undefined }, reader: ObjectReader): Endpoint[] {
  const { namespace, name, port = HTTPS } = address
  const service = reader.get('v1', 'Service', { namespace, name })
  if (!service) throw unavailable(`service ${JSON.stringify(name)} not found`)
  if (service.spec.type === 'ExternalName') return [{ host: service.spec.externalName ?? '', port }]
  const servicePort = servicePortOf(service, String(port))
  if (!servicePort) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`)
  const endpoints = readyEndpoints(reader, namespace, name, servicePort.name ?? '')
  if (endpoints.length === 0) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return endpoints
}

function unavailable(message: string): StatusError {
  return new StatusError('ServiceUnavailable', message)
}
