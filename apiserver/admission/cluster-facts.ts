import { isClusterName } from '../../shared/addresses/cluster-names.ts'
import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'

/** What the server knows of its cluster: nobody else may be called so, or be found there. */
export interface ClusterFacts {
  /** Names and addresses in the certificate that this server is known by. */
  readonly serverNames: readonly string[]
  readonly serviceRange: string
  /** Of cluster DNS. */
  readonly domain: string
  /** All pods' addresses, where this server was told (`--pod-routes`). */
  readonly podRange?: string | undefined
}

/** Whose a name or an address is, when it is the cluster's own: `the API server`; undefined for everybody else's. */
export type OwnedByCluster = (nameOrAddress: string) => string | undefined

/** Makes the question. */
export function ownedByCluster({ serverNames, serviceRange, domain }: ClusterFacts): OwnedByCluster {
  const services = IpRange.parse(serviceRange)
  const own = new Set(serverNames.map(spelling))
  return (text) => {
    if (own.has(spelling(text))) return 'the API server'
    if (services?.holds(text)) return `Services (${serviceRange})`
    return canonicalAddress(text) === undefined && isClusterName(text, domain) ? 'the cluster' : undefined
  }
}

/** Two texts of one spelling are one name, or one address. */
export function spelling(text: string): string {
  return canonicalAddress(text) ?? text.toLowerCase().replace(/\.$/, '')
}
