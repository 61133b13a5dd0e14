import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import { lookups, type Prefix } from './containers.ts'

/** Connections with this bit leave with the node's own address (the bit upstream uses). */
export const MASQUERADE = '0x4000'

/** Backends for clients outside, where they are not the same as for everybody else, are numbered from here. */
export const OUTSIDE_FIRST = 65_536

/** The same in all rules, and for ever: what a proxy before remembered must stay true. */
const HASH_SEED = '0xc0c5'

/** Who it is for: pods and the node; clients outside who share the others' backends; those who have backends of their own, and keep their address. */
export type Clients = 'inside' | 'outside' | 'kept'

/** A chain that leads a connection to one of `count` backends, each as likely; with affinity, only a client that none is remembered for. */
export interface BalancingChain {
  readonly kind: 'random' | 'sticky'
  readonly by: Prefix
  readonly clients: Clients
  readonly count: number
}

/** A chain that leads a connection to the backend in its slot, and remembers that for so long. */
export interface RememberingChain {
  readonly kind: 'remember'
  readonly by: Prefix
  readonly seconds: number
}

export type Chain = BalancingChain | RememberingChain

export function chainName(chain: Chain): string {
  if (chain.kind === 'remember') return `remember_${chain.by}${chain.seconds}`
  return `${chain.kind}_${chain.by}${chain.clients}_${chain.count}`
}

/** The map that says which backends these clients may be led to. */
export function aliveOf({ by, clients }: Pick<BalancingChain, 'by' | 'clients'>) {
  return clients === 'kept' ? (`${by}kept_alive` as const) : (`${by}alive` as const)
}

/**
 * What affinity remembers a client by, and for which door. nft 1.0.6 cannot write rules into a map whose key is longer than 16 bytes, which two
 * addresses of IPv6 are: there it is a number made of the same. Of a hundred thousand clients one has the number of another, and is
 * led anew each time that the other was there; nobody is led to another Service by that.
 */
export function clientOf(family: IpFamily): string {
  const { header } = packetWords(family)
  const parts = `${header} saddr . ${header} daddr . meta l4proto . th dport`
  return family === 'IPv4' ? parts : `jhash ${parts} mod 0xffffffff seed ${HASH_SEED}`
}

/** Puts the number of the backend that is remembered into the priority; where none is, what is there is no backend's. */
function recall(family: IpFamily, client: string): string[] {
  if (family === 'IPv4') return ['meta priority set none', `meta priority set ${client} map @affinity`]
  // A number that was made has no type of its own: it gets one by the place that it is put in.
  return [`meta priority set ${client}`, 'meta priority set meta priority map @affinity']
}

/** How the keys of that map are declared. */
export function clientType(family: IpFamily): string {
  return family === 'IPv4' ? 'type ipv4_addr . ipv4_addr . inet_proto . inet_service : classid' : 'type classid : classid'
}

/**
 * A chain's rules. The number of a backend passes from rule to rule in the packet's priority, which nothing looks at before it is set back: nft 1.0.6
 * cannot write a map's answer into another map, nor keep it in any other place that is not somebody's.
 *
 * They end in a drop, or a client would now and then be refused, by what comes after, at a Service that has backends: a packet may find the rules from
 * before a change and the maps from after it (each lookup asks for itself which generation counts), and in them nobody under the number that it has
 * picked. It picks the first, who is there as long as anybody is, and is dropped when the whole Service is led otherwise by now: who connects asks again.
 */
export function chainText({ table, family }: { table: string; family: IpFamily }, chain: Chain): string {
  const words = packetWords(family)
  const ip = words.header
  const lookup = lookups(words)[chain.by]
  const client = clientOf(family)
  const lead = `dnat ${ip} to ${lookup} . meta priority map @${chain.by}endpoints`
  const rules: string[] = []
  if (chain.kind === 'remember') {
    rules.push(`update @affinity { ${client} timeout ${chain.seconds}s : meta priority }`, lead, 'drop')
  } else {
    if (chain.clients === 'outside') rules.push(`meta mark set meta mark or ${MASQUERADE}`)
    if (chain.clients === 'inside' && chain.by === 'node_') rules.push(`${ip} saddr != @own_pods meta mark set meta mark or ${MASQUERADE}`)
    const random = `meta priority set numgen random mod ${chain.count}${chain.clients === 'kept' ? ` offset ${OUTSIDE_FIRST}` : ''}`
    const isAlive = `${lookup} . meta priority vmap @${aliveOf(chain)}`
    // 1:0 is how a priority of 65536 is written.
    const first = `meta priority set ${chain.clients === 'kept' ? '1:0' : 'none'}`
    if (chain.kind === 'random') rules.push(random, lead, first, lead, 'drop')
    else {
      rules.push(...recall(family, client), isAlive)
      // One whose backend is gone is not written over by `update`.
      rules.push(`delete @affinity { ${client} : meta priority }`)
      const choose = `meta priority set ${lookup} . meta priority map @${chain.by}choices`
      rules.push(random, choose, isAlive, first, choose, isAlive, 'drop')
    }
  }
  return `table ${ip} ${table} {
  chain ${chainName(chain)} {
    ${rules.join('\n    ')}
  }
}
`
}
