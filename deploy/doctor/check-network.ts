import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAddress, specialRange } from '../../shared/addresses/ip-address.ts'
import type { Settings } from '../settings.ts'
import { type Check, type Finding, good } from './finding.ts'

/** Below this many connections a busy cluster loses new ones; all worker hosts of a machine share the number. */
const FEWEST_CONNECTIONS = 65_536
/** A wrapped packet of a pod is 50 bytes larger than the packet, and IPv6 asks for 1,280. */
const SMALLEST_MTU = 1_330

/** What of this machine's network would slow the cluster down or break it in ways that are hard to read: connections, packet size, DNS. */
export const checkNetwork: Check = (settings) => lookAtNetwork(settings, '/')

/** The same of the machine whose files are below `root`. */
export async function lookAtNetwork(settings: Settings, root: string): Promise<Finding[]> {
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => undefined)
  const findings = [connections(Number(await read('proc/sys/net/netfilter/nf_conntrack_max'))), await packetSize(read)]
  findings.push(nameServers((await read('etc/resolv.conf')) ?? '', settings))
  return findings.filter((finding) => finding !== undefined)
}

function connections(most: number): Finding | undefined {
  // Not loaded yet: the kernel chooses by the machine's memory.
  if (!(most > 0)) return undefined
  if (most >= FEWEST_CONNECTIONS) return good(`connections: ${most} at once`)
  return {
    state: 'warning',
    text: `connections: the kernel tracks only ${most} at once, for all worker hosts together; new ones are dropped when there are more`,
    cure: `sudo sysctl -w net.netfilter.nf_conntrack_max=${2 * FEWEST_CONNECTIONS}`,
  }
}

async function packetSize(read: (path: string) => Promise<string | undefined>): Promise<Finding | undefined> {
  const routes = ((await read('proc/net/route')) ?? '').split('\n').map((line) => line.split('\t'))
  const name = routes.find(([, destination]) => destination === '00000000')?.[0]
  const mtu = Number(name === undefined ? undefined : await read(`sys/class/net/${name}/mtu`))
  if (!(mtu > 0)) return undefined
  if (mtu >= SMALLEST_MTU) return good(`packet size: ${mtu} bytes on ${name}`)
  return {
    state: 'warning',
    text: `packet size: ${mtu} bytes on ${name}; wrapped packets of pods leave too little`,
    cure: `raise the MTU of ${name}, or keep all nodes on one link and set --overlay=direct`,
  }
}

/** Cluster DNS passes on what it does not know: to itself, it would do so for ever. */
function nameServers(text: string, { clusterDns }: Settings): Finding {
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = '']) => server)
  if (servers.length === 0) {
    return {
      state: 'warning',
      text: 'DNS: this machine has no name server; pods find only names of the cluster',
      cure: 'add one to /etc/resolv.conf',
    }
  }
  if (servers.includes(clusterDns)) {
    return {
      state: 'failed',
      text: `DNS: this machine asks ${clusterDns}, which is the cluster's own DNS: names outside would be asked for in a circle`,
      cure: 'name another server in /etc/resolv.conf, or set COXSWAIN_CLUSTER_DNS in .env',
    }
  }
  const others = servers.filter((server) => !isLoopback(server))
  return good(
    others.length > 0
      ? `DNS: names outside by ${others.join(', ')}`
      : 'DNS: names outside by a server of this machine, which Docker reaches for its containers',
  )
}

function isLoopback(server: string): boolean {
  const address = parseAddress(server)
  return address !== undefined && specialRange(address) === 'loopback'
}
