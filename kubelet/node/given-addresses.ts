import { networkInterfaces } from 'node:os'
import { parseAddress, specialRange } from '../../shared/addresses/ip-address.ts'
import { familyOf } from '../../shared/addresses/ip-families.ts'
import { ConfigError } from '../../shared/process/config.ts'

/**
 * The addresses of this node: those given, or the one found. `0.0.0.0` and `::` stand for the machine's own of their family: what was found if it is of it,
 * else the first that others can reach. One that is not there (yet) is left out.
 * @param found towards the API server; undefined where there is none
 */
export function givenAddresses(
  given: readonly string[],
  found: string | undefined,
  present: () => readonly string[] = ofThisMachine,
): string[] {
  if (given.length === 0) return found === undefined ? [] : [found]
  return given.flatMap((text) => {
    if (!isStandIn(text)) return [text]
    const family = familyOf(text)
    if (found !== undefined && familyOf(found) === family) return [found]
    return present().find((address) => familyOf(address) === family) ?? []
  })
}

/** Whether the machine has to be asked. */
export function needsSearch(given: readonly string[]): boolean {
  return given.length === 0 || given.some(isStandIn)
}

const isStandIn = (text: string) => text === '0.0.0.0' || text === '::'

/** What `--node-ip` may be. @throws ConfigError */
export function checkNodeIps(given: readonly string[]): void {
  for (const text of given) if (!parseAddress(text)) throw new ConfigError(`--node-ip: ${JSON.stringify(text)} is no IP address`)
  if (new Set(given.map(familyOf)).size !== given.length) {
    throw new ConfigError(`--node-ip: ${given.join(',')}: a node has one address, or one of each family`)
  }
}

function ofThisMachine(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all
    .map(({ address }) => address)
    .filter((text) => {
      const address = parseAddress(text)
      return address !== undefined && specialRange(address) === undefined
    })
}
