import { isClusterName } from '../../shared/addresses/cluster-names.ts'
import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import { rangeAround } from '../../shared/addresses/ip-families.ts'
import { spelling } from '../allocation/spelling.ts'

/** What the server knows of its cluster: nobody else may be called so, or be found there. */
export interface ClusterFacts {
  /** Names and addresses in the certificate that this server is known by. */
  readonly serverNames: readonly string[]
  /** All cluster IPs, a range for each family. */
  readonly serviceRanges: readonly string[]
  /** Of cluster DNS. */
  readonly domain: string
  /** All pods' addresses, a range for each family; empty where this server was not told (`--pod-routes`). */
  readonly podRanges: readonly string[]
}

/** Whose a name or an address is, when it is the cluster's own: `the API server`; undefined for everybody else's. */
export type OwnedByCluster = (nameOrAddress: string) => string | undefined

/** Makes the question. */
export function ownedByCluster({ serverNames, serviceRanges, domain }: ClusterFacts): OwnedByCluster {
  const own = new Set(serverNames.map(spelling))
  return (text) => {
    if (own.has(spelling(text))) return 'the API server'
    const services = rangeAround(text, serviceRanges)
    if (services !== undefined) return `Services (${services})`
    return canonicalAddress(text) === undefined && isClusterName(text, domain) ? 'the cluster' : undefined
  }
}
