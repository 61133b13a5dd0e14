import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { PolicyRule, RulePort } from './compile-policy.ts'
import { jsonOf } from './content-name.ts'
import { type AddressRange, EVERY_ADDRESS, merged, type NumberRange } from './number-ranges.ts'
import { PeerGroup } from './peer-group.ts'
import type { NamedPort, Protocol } from './policy-pod.ts'

export type Direction = 'ingress' | 'egress'

/** One way for a connection to pass; all that is given must hold. */
export interface Pass {
  /** The set that the other end's address is in. */
  readonly peers?: string
  /** The other end's addresses. */
  readonly addresses?: readonly AddressRange[]
  readonly protocol?: Protocol
  readonly ports?: readonly NumberRange[]
  /** The set that the destination's address, protocol and port are in. */
  readonly destinations?: string
}

/** What may pass by some rules, and the sets that this is said with. */
export interface Passes {
  /** Every connection may. */
  readonly all: boolean
  readonly passes: readonly Pass[]
  readonly groups: ReadonlyMap<string, PeerGroup>
}

/**
 * Pure: what the rules together let pass, equal ways once and in an order of their own, so that equal rules have equal results.
 * @param named the ports of the pod that is restricted, for ingress
 */
export function passesOf(
  rules: Iterable<PolicyRule>,
  direction: Direction,
  named: readonly NamedPort[],
  family: IpFamily = 'IPv4',
): Passes {
  const passes = new Map<string, Pass>()
  const groups = new Map<string, PeerGroup>()
  let all = false
  const add = (pass: Pass) => {
    if (Object.keys(pass).length === 0) all = true
    passes.set(jsonOf(pass), pass)
  }
  const use = (group: PeerGroup) => {
    groups.set(group.name, group)
    return group.name
  }
  for (const { peers, ports } of rules) {
    const others = peersOf(peers, use, family)
    for (const target of targetsOf(ports, direction, named)) for (const other of others) add({ ...other, ...target })
    if (direction === 'ingress') continue
    for (const { name, protocol } of ports ?? []) {
      if (name === undefined) continue
      for (const choice of peers ?? [{}]) add({ destinations: use(new PeerGroup(choice, { name, protocol })) })
    }
  }
  const sorted = [...passes].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, pass]) => pass)
  return { all, passes: sorted, groups }
}

/** One way for each set of pods, and one for all ranges of addresses. */
function peersOf(peers: PolicyRule['peers'], use: (group: PeerGroup) => string, family: IpFamily): Pick<Pass, 'peers' | 'addresses'>[] {
  if (!peers) return [{}]
  const addresses = merged(peers.flatMap((choice) => choice.addresses ?? []))
  const [first, last] = EVERY_ADDRESS[family]
  const isEverybody = addresses.length === 1 && addresses[0]?.[0] === first && addresses[0][1] === last
  if (isEverybody) return [{}]
  const groups = peers.filter((choice) => !choice.addresses).map((choice) => ({ peers: use(new PeerGroup(choice)) }))
  return addresses.length > 0 ? [...groups, { addresses }] : groups
}

/** One way for each protocol. Names are those of the restricted pod; who leaves for a named port asks the other's names instead. */
function targetsOf(ports: PolicyRule['ports'], direction: Direction, named: readonly NamedPort[]): Pick<Pass, 'protocol' | 'ports'>[] {
  if (!ports) return [{}]
  return (['tcp', 'udp', 'sctp'] as const).flatMap((protocol) => {
    const wanted = ports.filter((port) => port.protocol === protocol)
    if (wanted.some(({ numbers, name }) => !numbers && name === undefined)) return [{ protocol }]
    const numbers = merged(wanted.flatMap((port) => numbersOf(port, direction, named)))
    return numbers.length > 0 ? [{ protocol, ports: numbers }] : []
  })
}

function numbersOf({ numbers, name, protocol }: RulePort, direction: Direction, named: readonly NamedPort[]): NumberRange[] {
  if (numbers) return [numbers]
  if (direction === 'egress') return []
  return named.flatMap((port): NumberRange[] => (port.name === name && port.protocol === protocol ? [[port.port, port.port]] : []))
}
