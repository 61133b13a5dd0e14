import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import { addressRecords, found, type ZoneAnswer } from '../records.ts'
import { reversedAddress } from '../reverse-name.ts'

const LONGEST_NAME = 253
const NAME = /^(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/

/** Names with addresses of their own, whatever others say of them; and the names of those addresses. */
export class Hosts {
  readonly #addresses = new Map<string, string[]>()
  readonly #names = new Map<string, string[]>()

  /** How many names there are. */
  get size(): number {
    return this.#addresses.size
  }

  add(name: string, address: string): void {
    addTo(this.#addresses, name, address)
    addTo(this.#names, address, name)
  }

  answer(name: string, type: string): ZoneAnswer {
    const addresses = this.#addresses.get(name)
    if (addresses) return found(addressRecords(name, addresses, type))
    const names = this.#names.size > 0 && name.endsWith('.arpa') ? this.#names.get(reversedAddress(name) ?? '') : undefined
    if (!names) return { kind: 'outside' }
    return found(type === 'PTR' || type === 'ANY' ? names.map((data) => ({ type: 'PTR', name, data })) : [])
  }
}

function addTo(map: Map<string, string[]>, key: string, value: string): void {
  const known = map.get(key)
  if (!known) map.set(key, [value])
  else if (!known.includes(value)) known.push(value)
}

/** Reads lines as in `/etc/hosts`: an address, then its names; `#` begins a comment. @param refuse throws with what is wrong */
export function parseHosts(text: string, refuse: (problem: string) => never): Hosts {
  const hosts = new Hosts()
  for (const [index, line] of text.split('\n').entries()) {
    const [first, ...names] = line.replace(/#.*$/, '').trim().split(/\s+/)
    if (first === undefined || first === '') continue
    const address = canonicalAddress(first)
    const at = `line ${index + 1}: `
    if (address === undefined) refuse(`${at}${JSON.stringify(first)} is no IP address`)
    if (names.length === 0) refuse(`${at}${first} has no name behind it`)
    for (const each of names) hosts.add(hostName(each) ?? refuse(`${at}${JSON.stringify(each)} is no DNS name`), address)
  }
  return hosts
}

/** Lower case, without the final dot; undefined for what is no name of a machine or domain. */
export function hostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  return name.length <= LONGEST_NAME && NAME.test(name) ? name : undefined
}
