import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import type { RunCommand } from '../command.ts'

/** Our mark on routes, so that only ours are ever removed (`ip route` protocol number). */
export const PROTOCOL = '67'

const USUAL_MTU = 1_500

/** Our interface of the overlay for one family. @param name as set: that of IPv4 */
export function overlayDeviceOf(name: string, family: IpFamily): string {
  return family === 'IPv4' ? name : `${name}6`
}

/** What the kernel says of this machine's network. */
export interface MachineNetwork {
  /** Networks that the machine is in, as ranges. */
  readonly links: readonly string[]
  /** Of the smallest interface that leads to other machines. */
  readonly mtu: number
  /** Our routes: range → gateway and interface, as one text. */
  readonly routes: ReadonlyMap<string, string>
  /** Our interface, with its UDP port, and the address that packets of IPv6 are wrapped with. */
  readonly overlay:
    | { readonly hardware: unknown; readonly port: unknown; readonly mtu: unknown; readonly local: unknown; readonly isUp: boolean }
    | undefined
}

/** Reads what is of the family. `overlay` is the name of our own interface. @throws CommandError */
export async function readNetwork(run: RunCommand, overlay: string, family: IpFamily = 'IPv4'): Promise<MachineNetwork> {
  const { option, single } = packetWords(family)
  const interfaces = records(await run(['ip', '-j', option, 'addr', 'show']))
  const links: string[] = []
  let mtu = Number.POSITIVE_INFINITY
  for (const { ifname, mtu: size, addr_info: infos } of interfaces) {
    if (ifname === 'lo' || ifname === overlay || !Array.isArray(infos)) continue
    for (const { local, prefixlen, scope } of infos) {
      // A single address is no network: pods' interfaces are such. Every interface has one of the link's own in IPv6.
      if (typeof local !== 'string' || typeof prefixlen !== 'number' || prefixlen >= single || (scope === 'link' && family === 'IPv6'))
        continue
      links.push(`${local}/${prefixlen}`)
      if (typeof size === 'number') mtu = Math.min(mtu, size)
    }
  }
  const routes = new Map<string, string>()
  for (const { dst, gateway, dev, type } of records(await run(['ip', '-j', option, 'route', 'show', 'proto', PROTOCOL]))) {
    if (typeof dst === 'string' && type !== 'blackhole') routes.set(dst, `${gateway} ${dev === overlay ? overlay : ''}`)
  }
  const own = records(await run(['ip', '-j', '-d', 'link', 'show', 'type', 'vxlan'])).find(({ ifname }) => ifname === overlay)
  const isUp = Array.isArray(own?.['flags']) && own['flags'].includes('UP')
  return {
    ...{ links, routes, mtu: Number.isFinite(mtu) ? mtu : USUAL_MTU },
    overlay: own && { hardware: own['address'], port: dataOf(own)?.['port'], mtu: own['mtu'], local: dataOf(own)?.['local6'], isUp },
  }
}

function dataOf({ linkinfo }: Record<string, unknown>): Record<string, unknown> | undefined {
  return recordOf(recordOf(linkinfo)?.['info_data'])
}

function records(text: string): Record<string, unknown>[] {
  const parsed: unknown = JSON.parse(text || '[]')
  return Array.isArray(parsed) ? parsed.map(recordOf).filter((each) => each !== undefined) : []
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return isRecord(value) ? value : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
