import type { Ingress } from '../../shared/openapi/generated/networking-v1.ts'

/** A host that is served over HTTPS, and the Ingress that says so. */
export interface TlsHost {
  readonly ingress: Ingress
  /** The Secret with its certificate, `namespace/name`; undefined: our own certificate will do. */
  readonly secret: string | undefined
}

/**
 * Hosts with TLS, from the Ingresses to serve, oldest first: the first one that says a host has it. An entry without hosts is for all hosts of
 * its Ingress's rules.
 */
export function tlsHosts(ingresses: readonly Ingress[]): Map<string, TlsHost> {
  const found = new Map<string, TlsHost>()
  for (const ingress of ingresses) {
    const { tls = [], rules = [] } = ingress.spec
    for (const { hosts, secretName } of tls) {
      const secret = secretName ? `${ingress.metadata.namespace}/${secretName}` : undefined
      const named = hosts?.length ? hosts : rules.flatMap(({ host }) => host ?? [])
      for (const host of named) if (!found.has(host)) found.set(host, { ingress, secret })
    }
  }
  return found
}
