import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { parseAddress, specialRangeProblem } from '../../shared/addresses/ip-address.ts'
import { rangeAround } from '../../shared/addresses/ip-families.ts'
import { StatusError } from '../../shared/errors/status-error.ts'

/**
 * Where this server connects to on behalf of others: nodes' kubelets, pods, Services' endpoints. All of these addresses were written by
 * somebody, and the server stands where its clients do not: its own loopback, its link, a cloud's metadata service are not for them.
 */
export interface DialRule {
  /** Why an address is not dialled; undefined for one that is. Names pass: `lookup` looks at what they lead to. */
  problem(host: string): string | undefined
  /** @throws StatusError BadRequest */
  require(host: string): void
  /** For the connection itself, so that a name cannot lead elsewhere between the look and the call. */
  readonly lookup: LookupFunction
}

/** How names are resolved; the answer is all addresses. */
export type ResolveName = (hostname: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void

export interface DialRuleParts {
  readonly resolve?: ResolveName
  /** The range of cluster IPs that somebody added and this address lies in. */
  readonly furtherRangeOf?: (host: string) => string | undefined
}

const resolveBySystem: ResolveName = (name, done) => systemLookup(name, { all: true }, done)

/** @param serviceRanges cluster IPs: whoever dials is a Service's client then, and its rules are not asked */
export function dialRule(
  serviceRanges: readonly string[],
  { resolve = resolveBySystem, furtherRangeOf = () => undefined }: DialRuleParts = {},
): DialRule {
  function problem(host: string): string | undefined {
    const address = parseAddress(host)
    if (!address) return undefined
    const special = specialRangeProblem(address)
    if (special !== undefined) return special
    const range = rangeAround(host, serviceRanges) ?? furtherRangeOf(host)
    return range === undefined ? undefined : `may not be in the range of Services (${range})`
  }

  const sentence = (host: string, why: string) => `address not allowed: ${host} ${why}`

  return {
    problem,
    require(host) {
      const why = problem(host)
      if (why !== undefined) throw new StatusError('BadRequest', sentence(host, why))
    },
    lookup(hostname, options, callback) {
      resolve(hostname, (error, found) => {
        if (error) return callback(error, '')
        const wanted = found.filter(({ family }) => !options.family || options.family === 0 || `${options.family}`.endsWith(`${family}`))
        const [first] = wanted
        if (!first) return callback(new Error(`${hostname} has no address`), '')
        // One bad answer spoils all: which of them is taken would be chance.
        for (const { address } of wanted) {
          const why = problem(address)
          if (why !== undefined) return callback(new Error(sentence(`${hostname} (${address})`, why)), '')
        }
        if (options.all) callback(null, wanted)
        else callback(null, first.address, first.family)
      })
    },
  }
}
