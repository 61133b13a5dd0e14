import { parseAddress, specialRange } from '../shared/addresses/ip-address.ts'
import type { IpFamily } from '../shared/addresses/ip-families.ts'
import { packetWords } from '../shared/addresses/packet-words.ts'
import { CommandError, type RunCommand } from './command.ts'
import type { VirtualServer } from './virtual-server.ts'

/** Protocols whose flows go on however long they last, and are not ended by anybody when their backend goes. */
const PROTOCOLS = ['udp', 'sctp'] as const
export type FlowProtocol = (typeof PROTOCOLS)[number]

/** One flow as the kernel remembers it: whom the client asked, and who it was led to (whom it asked, where nothing was translated). */
export interface Flow {
  readonly address: string
  readonly port: number
  readonly backend: string
  readonly backendPort: number
}

/** Ways to reach Services over one protocol, and the backends that each may lead to now. */
export interface FlowWays {
  readonly protocol: FlowProtocol
  /** `address:port` → `address:port` of backends. */
  readonly addresses: ReadonlyMap<string, ReadonlySet<string>>
  /** The same by port, for every address of the node. */
  readonly nodePorts: ReadonlyMap<number, ReadonlySet<string>>
}

const NOBODY: ReadonlySet<string> = new Set()

/** Pure: the ways of each protocol that these servers speak. Ways of `before` that are gone lead to nobody. */
export function flowWays(before: readonly VirtualServer[], after: readonly VirtualServer[]): FlowWays[] {
  return PROTOCOLS.map((protocol) => waysOf(protocol, before, after)).filter(
    ({ addresses, nodePorts }) => addresses.size + nodePorts.size > 0,
  )
}

function waysOf(protocol: FlowProtocol, before: readonly VirtualServer[], after: readonly VirtualServer[]): FlowWays {
  const addresses = new Map<string, ReadonlySet<string>>()
  const nodePorts = new Map<number, ReadonlySet<string>>()
  const add = (server: VirtualServer, isThere: boolean) => {
    if (server.protocol !== protocol) return
    const texts = (list: VirtualServer['backends']) => list.map(({ address, port }) => `${address}:${port}`)
    const inside = isThere ? new Set(texts(server.backends)) : NOBODY
    // Pods and the node are led by the one list there, everybody else by the other.
    const outside = isThere ? new Set(texts([...server.clusterBackends, ...server.externalBackends])) : NOBODY
    for (const address of server.addresses) addresses.set(`${address}:${server.port}`, inside)
    for (const address of server.externalAddresses) addresses.set(`${address}:${server.port}`, outside)
    if (server.nodePort !== undefined) nodePorts.set(server.nodePort, outside)
  }
  for (const server of before) add(server, false)
  for (const server of after) add(server, true)
  return { protocol, addresses, nodePorts }
}

/**
 * Pure: flows that go where they would not go today. The kernel keeps sending a flow where it went at first, for as long as datagrams come:
 * to a backend that is gone, or to none at all when it began before there was one.
 * @param local the node's own addresses
 */
export function misledFlows(flows: readonly Flow[], ways: FlowWays, local: ReadonlySet<string>): Flow[] {
  return flows.filter(({ address, port, backend, backendPort }) => {
    const allowed = ways.addresses.get(`${address}:${port}`) ?? (local.has(address) ? ways.nodePorts.get(port) : undefined)
    if (!allowed) return false
    const isLed = backend !== address || backendPort !== port
    return allowed.size === 0 ? isLed : !allowed.has(`${backend}:${backendPort}`)
  })
}

/** Makes the kernel forget flows that go where they would not go today; answers how many. */
export async function forgetMisledFlows(all: readonly FlowWays[], run: RunCommand, family: IpFamily = 'IPv4'): Promise<number> {
  let forgotten = 0
  for (const ways of all) forgotten += await forgetFlows(ways, run, family)
  return forgotten
}

async function forgetFlows(ways: FlowWays, run: RunCommand, family: IpFamily): Promise<number> {
  const { protocol } = ways
  const which = ['-f', family.toLowerCase(), '-p', protocol]
  const flows = parseFlows(await run(['conntrack', '-L', ...which]))
  const local = ways.nodePorts.size === 0 ? NOBODY : await localAddresses(run, family)
  const misled = new Map(misledFlows(flows, ways, local).map((flow) => [Object.values(flow).join(), flow]))
  for (const { address, port, backend, backendPort } of misled.values()) {
    const asked = ['--orig-dst', address, '--orig-port-dst', `${port}`]
    try {
      await run(['conntrack', '-D', ...which, ...asked, '--reply-src', backend, '--reply-port-src', `${backendPort}`])
    } catch (error) {
      // conntrack ends with 1 when no flow matched: it was forgotten meanwhile.
      if (!(error instanceof CommandError && error.exitCode === 1)) throw error
    }
  }
  return misled.size
}

/** Reads what `conntrack -L` prints: the way there, and then the way back, each as src, dst, sport and dport. */
export function parseFlows(text: string): Flow[] {
  return text.split('\n').flatMap((line) => {
    const [there, back] = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)]
    if (!there || !back) return []
    return [{ address: there[2] ?? '', port: Number(there[4]), backend: back[1] ?? '', backendPort: Number(back[3]) }]
  })
}

async function localAddresses(run: RunCommand, family: IpFamily): Promise<Set<string>> {
  const listed: unknown = JSON.parse((await run(['ip', '-j', packetWords(family).option, 'addr', 'show'])) || '[]')
  const found = new Set<string>()
  for (const link of Array.isArray(listed) ? listed : []) {
    for (const { local } of link?.addr_info ?? []) if (typeof local === 'string' && !isOfThisMachineAlone(local)) found.add(local)
  }
  return found
}

/** Node ports are not served there. */
function isOfThisMachineAlone(text: string): boolean {
  const address = parseAddress(text)
  const special = address && specialRange(address)
  return special === 'loopback' || (special === 'linkLocal' && text.includes(':'))
}
