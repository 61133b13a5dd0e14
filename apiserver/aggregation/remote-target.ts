import type { KeyPair } from '../../shared/certificates/leaf-certificate.ts'
import type { Random } from '../../shared/random/random.ts'
import { endpointsOf } from '../connect/hook-place.ts'
import type { ProxyTarget } from '../connect/http-proxy.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { RemoteService } from './remote-services.ts'

export interface RemoteTools {
  readonly reader: ObjectReader
  readonly random: Random
  /** The front proxy's certificate; asked for each connection, so that a renewed one is used. */
  readonly frontProxy: () => KeyPair
}

/** The name under which a remote server is verified. */
export function serverName({ service: { spec } }: RemoteService): string {
  return `${spec.service?.name}.${spec.service?.namespace}.svc`
}

/** One of the ready endpoints of the Service. @throws StatusError ServiceUnavailable with what is missing */
export function remoteTarget(remote: RemoteService, { reader, random, frontProxy }: RemoteTools): ProxyTarget {
  const { service, caBundle, insecureSkipTLSVerify } = remote.service.spec
  const endpoints = endpointsOf({ namespace: service?.namespace ?? '', name: service?.name ?? '', port: service?.port }, reader)
  const { host, port } = endpoints[Math.floor(random.fraction() * endpoints.length)]!
  const { certificate: cert, key } = frontProxy()
  const tls = {
    ...{ cert, key, servername: serverName(remote), isUnverified: insecureSkipTLSVerify === true },
    ...(caBundle ? { ca: Buffer.from(caBundle, 'base64').toString() } : {}),
  }
  return { scheme: 'https', host, port, tls }
}
