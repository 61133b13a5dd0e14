import type { Container } from './elements.ts'

/** Connections with this bit leave with the node's own address (the bit upstream uses). */
const MASQUERADE = '0x4000'

export interface RulesetSettings {
  /** Our one table; nothing outside it is ever touched. */
  table: string
  /** All pods of the cluster. */
  clusterCidr: string
  /** All cluster IPs. */
  serviceCidr: string
}

/**
 * The constant part: chains, hooks and empty maps. Explained in docs/networking.md. There is a chain for each number of
 * backends up to `largest`; they are made with the maps because nft 1.0.6 cannot add a rule over a concatenated map
 * that exists already.
 */
export function skeleton({ table, clusterCidr, serviceCidr }: RulesetSettings, largest: number): string {
  return `table ip ${table} {
  map services { typeof ip daddr . meta l4proto . th dport : verdict; }
  map endpoints { typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }
  map externals { typeof ip daddr . meta l4proto . th dport : verdict; }
  map external_endpoints { typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }
  map nodeports { typeof meta l4proto . th dport : verdict; }
  map nodeport_endpoints { typeof meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }
  set hairpin { type ipv4_addr . ipv4_addr; }
  set no_endpoints { typeof ip daddr . meta l4proto . th dport; }${Array.from({ length: largest }, (_, index) => balancers(index + 1)).join('')}
  chain forwarding {
    ip saddr != ${clusterCidr} ip daddr ${serviceCidr} meta mark set meta mark or ${MASQUERADE}
    ip saddr != ${clusterCidr} fib saddr type != local ip daddr . meta l4proto . th dport vmap @externals
    ip daddr . meta l4proto . th dport vmap @services
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @nodeports
  }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; goto forwarding; }
  chain output { type nat hook output priority -100; policy accept; goto forwarding; }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat ip saddr . ip daddr @hairpin masquerade
    meta mark & ${MASQUERADE} == ${MASQUERADE} masquerade
    ip saddr ${clusterCidr} ip daddr != ${clusterCidr} masquerade
  }
  chain refuse {
    ct state != new return
    meta l4proto tcp ip daddr . meta l4proto . th dport @no_endpoints reject with tcp reset
    ip daddr . meta l4proto . th dport @no_endpoints reject
  }
  chain refuse_forwarded { type filter hook forward priority filter; policy accept; goto refuse; }
  chain refuse_own { type filter hook output priority filter; policy accept; goto refuse; }
}
`
}

/** Chains that send a connection to one of N backends, each as likely. */
function balancers(count: number): string {
  const outside = `dnat ip to ip daddr . meta l4proto . th dport . numgen random mod ${count} map @external_endpoints`
  const external = `dnat ip to meta l4proto . th dport . numgen random mod ${count} map @nodeport_endpoints`
  return `
  chain cluster_${count} { dnat ip to ip daddr . meta l4proto . th dport . numgen random mod ${count} map @endpoints; }
  chain outside_${count} { meta mark set meta mark or ${MASQUERADE}; ${outside}; }
  chain outside_local_${count} { ${outside}; }
  chain external_${count} { meta mark set meta mark or ${MASQUERADE}; ${external}; }
  chain local_${count} { ${external}; }`
}

/** One command for many elements; empty for none. nft reads a line of any length. */
export function elementCommand(
  verb: 'add' | 'delete',
  table: string,
  container: Container,
  elements: Iterable<readonly [string, string]>,
): string {
  const texts = Array.from(elements, ([key, value]) => (value === '' || verb === 'delete' ? key : `${key} : ${value}`))
  return texts.length === 0 ? '' : `${verb} element ip ${table} ${container} { ${texts.join(', ')} }\n`
}
