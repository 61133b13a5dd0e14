import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { type PacketWords, packetWords } from '../../shared/addresses/packet-words.ts'
import { removal } from '../dataplane/ruleset.ts'
import { addressText, type NumberRange, type Numeric } from './number-ranges.ts'
import type { Pass } from './passes.ts'
import type { Elements, TableChange } from './table-state.ts'

/**
 * What no policy speaks of, and without which the family does not work: packets that are too big are never split on the way (RFC 8200), and who has an
 * address is asked by ICMP (RFC 4861).
 */
const NEVER_DROPPED: Readonly<Record<IpFamily, string>> = {
  IPv4: '',
  IPv6: '    icmpv6 type { packet-too-big, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n',
}

/** The table of one family; each knows nothing of the other. */
export interface PolicyTable {
  readonly table: string
  readonly family: IpFamily
}

/** Makes the table anew, in the transaction in which it is filled. */
export function emptyTable(of: PolicyTable): string {
  const { header: ip, address } = packetWords(of.family)
  return `${removal(of)}table ${ip} ${of.table} {
  map ingress { type ${address} : verdict; }
  map egress { type ${address} : verdict; }
  set selves { type ${address} . ${address}; }
  set known { type ${address}; }
  set closed_ingress { type ${address}; flags interval; }
  set closed_egress { type ${address}; flags interval; }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
${NEVER_DROPPED[of.family]}    ${ip} saddr . ${ip} daddr @selves accept
    ${ip} saddr vmap @egress
    ${ip} daddr vmap @ingress
    ${ip} saddr @closed_egress ${ip} saddr != @known drop
    ${ip} daddr @closed_ingress ${ip} daddr != @known drop
  }
}
`
}

/** One transaction in nft's grammar; empty where nothing is to be done. What is used comes before who uses it, and goes after. */
export function changeCommands(of: PolicyTable, change: TableChange): string {
  const words = packetWords(of.family)
  const table = `${words.header} ${of.table}`
  const parts: string[] = []
  for (const name of change.newSets) parts.push(`add set ${table} ${name} { type ${typeOf(name, words)}; }\n`)
  for (const [name, passes] of change.newChains) {
    parts.push(`add chain ${table} ${name} {\n${passes.map((pass) => `  ${ruleOf(pass, name, words)}\n`).join('')}  drop\n}\n`)
  }
  for (const [name, elements] of change.gone) parts.push(elementCommand('delete', table, name, elements))
  for (const [name, elements] of change.come) parts.push(elementCommand('add', table, name, elements))
  for (const name of change.goneChains) parts.push(`flush chain ${table} ${name}\n`)
  for (const name of change.goneChains) parts.push(`delete chain ${table} ${name}\n`)
  for (const name of change.goneSets) parts.push(`delete set ${table} ${name}\n`)
  return parts.join('')
}

function typeOf(set: string, { address }: PacketWords): string {
  return set.startsWith('ports_') ? `${address} . inet_proto . inet_service` : address
}

/** What passes goes back to where the chain was jumped to from: the other end's policies are asked there. */
function ruleOf({ peers, addresses, protocol, ports, destinations }: Pass, chain: string, { header }: PacketWords): string {
  const other = `${header} ${chain.startsWith('ingress') ? 'saddr' : 'daddr'}`
  const parts: string[] = []
  if (peers !== undefined) parts.push(`${other} @${peers}`)
  if (addresses) parts.push(`${other} { ${addresses.map((range) => rangeText(range, addressText)).join(', ')} }`)
  if (protocol) parts.push(`meta l4proto ${protocol}`)
  if (ports) parts.push(`th dport { ${ports.map((range) => rangeText(range, String)).join(', ')} }`)
  if (destinations !== undefined) parts.push(`${header} daddr . meta l4proto . th dport @${destinations}`)
  return [...parts, 'return'].join(' ')
}

function rangeText<T extends Numeric>([first, last]: NumberRange<T>, text: (number: T) => string): string {
  return first === last ? text(first) : `${text(first)}-${text(last)}`
}

/** nft reads a line of any length. */
function elementCommand(verb: 'add' | 'delete', table: string, set: string, elements: Elements): string {
  if (elements.size === 0) return ''
  const texts = Array.from(elements, ([element, chain]) => (chain === '' ? element : `${element} : jump ${chain}`))
  return `${verb} element ${table} ${set} { ${texts.join(', ')} }\n`
}
