import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import { clientType, MASQUERADE } from './chains.ts'
import { containers, lookups } from './containers.ts'

/** How many clients are remembered at most, over all Services; further ones are led anywhere. About 150 bytes of the kernel's memory each. */
const MOST_CLIENTS = 262_144

export interface RulesetSettings {
  /** Our one table; nothing outside it is ever touched. */
  table: string
  /** There is a table for each family of the cluster; each knows nothing of the other. */
  family: IpFamily
  /** All pods of the cluster, of the family. */
  clusterCidr: string
  /** Cluster IPs: what no Service has is dropped. */
  serviceCidr: string
}

/** The constant part: hooks, the chains that they begin with, and empty maps. Explained in docs/networking.md. */
export function skeleton({ table, family, clusterCidr, serviceCidr }: RulesetSettings): string {
  const words = packetWords(family)
  const { header: ip, address, unroutable } = words
  const { '': door, node_: port } = lookups(words)
  return `table ${ip} ${table} {
  ${Object.values(containers(words)).join('\n  ')}
  set own_pods { type ${address}; flags interval; }
  set node_port_addresses { type ${address}; flags interval; }
  map affinity { ${clientType(family)}; size ${MOST_CLIENTS}; flags dynamic,timeout; }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain forwarding {
    ${ip} saddr != ${clusterCidr} ${ip} daddr @cluster_ips meta mark set meta mark or ${MASQUERADE}
    ${ip} saddr != ${clusterCidr} fib saddr type != local goto from_outside
    ${door} vmap @services
    fib daddr type local ${ip} daddr != ${unroutable} ${ip} daddr @node_port_addresses ${port} vmap @node_services
  }
  chain from_outside {
    ${door} vmap @externals
    ${door} vmap @services
    fib daddr type local ${ip} daddr != ${unroutable} ${ip} daddr @node_port_addresses ${port} vmap @node_externals
  }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; goto forwarding; }
  chain output { type nat hook output priority -100; policy accept; goto forwarding; }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat meta priority set none
    ct status dnat ${ip} saddr . ${ip} daddr @hairpin masquerade
    meta mark & ${MASQUERADE} == ${MASQUERADE} masquerade
    ${ip} saddr ${clusterCidr} ${ip} daddr != ${clusterCidr} masquerade
  }
  chain restrict {
    ct state new ${door} @restricted ${door} . ${ip} saddr != @allowed drop
  }
  chain restrict_arriving { type filter hook prerouting priority -110; policy accept; goto restrict; }
  chain restrict_own { type filter hook output priority -110; policy accept; goto restrict; }
  chain unserved {
    ${door} vmap @refused
    fib daddr type local return
    ${ip} daddr @cluster_ips goto refuse
    ${ip} daddr ${serviceCidr} drop
  }
  chain refuse_arriving {
    type filter hook input priority filter; policy accept;
    ct state != new return
    ${door} vmap @refused
    ${ip} daddr != ${unroutable} ${ip} daddr @node_port_addresses ${port} vmap @node_refused
  }
  chain refuse_forwarded { type filter hook forward priority filter; policy accept; ct state new goto unserved; }
  chain refuse_own { type filter hook output priority filter; policy accept; ct state new goto unserved; }
}
`
}

/** One command for many elements; empty for none. nft reads a line of any length. */
export function elementCommand(
  verb: 'add' | 'delete',
  { table, family }: Pick<RulesetSettings, 'table' | 'family'>,
  container: string,
  elements: Iterable<readonly [string, string]>,
): string {
  const texts = Array.from(elements, ([key, value]) => (value === '' || verb === 'delete' ? key : `${key} : ${value}`))
  return texts.length === 0 ? '' : `${verb} element ${packetWords(family).header} ${table} ${container} { ${texts.join(', ')} }\n`
}

/** Takes a table away, whether it is there or not. */
export function removal({ table, family }: Pick<RulesetSettings, 'table' | 'family'>): string {
  const { header } = packetWords(family)
  return `table ${header} ${table}\ndelete table ${header} ${table}\n`
}
