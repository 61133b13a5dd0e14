import { addressText, type NumberRange } from './number-ranges.ts'
import type { Pass } from './passes.ts'
import type { Elements, TableChange } from './table-state.ts'

/** Makes the table anew, in the transaction in which it is filled. */
export function emptyTable(table: string): string {
  return `${removal(table)}table ip ${table} {
  map ingress { type ipv4_addr : verdict; }
  map egress { type ipv4_addr : verdict; }
  set selves { type ipv4_addr . ipv4_addr; }
  set known { type ipv4_addr; }
  set closed_ingress { type ipv4_addr; flags interval; }
  set closed_egress { type ipv4_addr; flags interval; }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ip saddr . ip daddr @selves accept
    ip saddr vmap @egress
    ip daddr vmap @ingress
    ip saddr @closed_egress ip saddr != @known drop
    ip daddr @closed_ingress ip daddr != @known drop
  }
}
`
}

/** Removes the table, whether it is there or not. */
export function removal(table: string): string {
  return `table ip ${table}\ndelete table ip ${table}\n`
}

/** One transaction in nft's grammar; empty where nothing is to be done. What is used comes before who uses it, and goes after. */
export function changeCommands(table: string, change: TableChange): string {
  const parts: string[] = []
  for (const name of change.newSets) parts.push(`add set ip ${table} ${name} { type ${typeOf(name)}; }\n`)
  for (const [name, passes] of change.newChains) {
    parts.push(`add chain ip ${table} ${name} {\n${passes.map((pass) => `  ${ruleOf(pass, name)}\n`).join('')}  drop\n}\n`)
  }
  for (const [name, elements] of change.gone) parts.push(elementCommand('delete', table, name, elements))
  for (const [name, elements] of change.come) parts.push(elementCommand('add', table, name, elements))
  for (const name of change.goneChains) parts.push(`flush chain ip ${table} ${name}\n`)
  for (const name of change.goneChains) parts.push(`delete chain ip ${table} ${name}\n`)
  for (const name of change.goneSets) parts.push(`delete set ip ${table} ${name}\n`)
  return parts.join('')
}

function typeOf(set: string): string {
  return set.startsWith('ports_') ? 'ipv4_addr . inet_proto . inet_service' : 'ipv4_addr'
}

/** What passes goes back to where the chain was jumped to from: the other end's policies are asked there. */
function ruleOf({ peers, addresses, protocol, ports, destinations }: Pass, chain: string): string {
  const other = chain.startsWith('ingress') ? 'ip saddr' : 'ip daddr'
  const parts: string[] = []
  if (peers !== undefined) parts.push(`${other} @${peers}`)
  if (addresses) parts.push(`${other} { ${addresses.map((range) => rangeText(range, addressText)).join(', ')} }`)
  if (protocol) parts.push(`meta l4proto ${protocol}`)
  if (ports) parts.push(`th dport { ${ports.map((range) => rangeText(range, String)).join(', ')} }`)
  if (destinations !== undefined) parts.push(`ip daddr . meta l4proto . th dport @${destinations}`)
  return [...parts, 'return'].join(' ')
}

function rangeText([first, last]: NumberRange, text: (number: number) => string): string {
  return first === last ? text(first) : `${text(first)}-${text(last)}`
}

/** nft reads a line of any length. */
function elementCommand(verb: 'add' | 'delete', table: string, set: string, elements: Elements): string {
  if (elements.size === 0) return ''
  const texts = Array.from(elements, ([element, chain]) => (chain === '' ? element : `${element} : jump ${chain}`))
  return `${verb} element ip ${table} ${set} { ${texts.join(', ')} }\n`
}
