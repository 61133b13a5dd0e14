import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { runCommand } from '../command.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

/** A range of addresses and whose it is. */
interface Range {
  readonly owner: string
  readonly cidr: string
}

/**
 * The cluster's three ranges against each other, the networks of this machine's Docker and its routes. An overlap shows nowhere else: the
 * outer engine rewrites the sources of packets between pods of two nodes, and they vanish without an error.
 */
export async function checkRanges(settings: Settings): Promise<Finding[]> {
  const own: { range: Range; setting: string }[] = [
    { range: { owner: "the hosts' network", cidr: settings.subnet }, setting: 'COXSWAIN_SUBNET' },
    { range: { owner: 'the pods', cidr: settings.clusterCidr }, setting: 'COXSWAIN_CLUSTER_CIDR' },
    { range: { owner: 'the Services', cidr: settings.serviceCidr }, setting: 'COXSWAIN_SERVICE_CIDR' },
  ]
  const malformed = own.filter(({ range }) => !ipaddr.IPv4.isValidCIDR(range.cidr))
  if (malformed.length > 0) {
    return malformed.map(({ range, setting }) => ({
      state: 'failed',
      text: `${setting} is ${JSON.stringify(range.cidr)}, not an IPv4 range`,
      cure: 'write it like 10.244.0.0/16',
    }))
  }
  const findings: Finding[] = []
  const foreign = await foreignRanges(settings)
  own.forEach(({ range, setting }, index) => {
    for (const other of [...own.slice(index + 1).map((one) => one.range), ...foreign]) {
      if (!overlap(range.cidr, other.cidr)) continue
      findings.push({
        state: 'failed',
        text: `the range ${range.cidr} of ${range.owner} overlaps ${other.cidr} of ${other.owner}`,
        cure: `set ${setting} in .env to a range that is free${other.owner.startsWith('the Docker network') ? `, or remove the network: docker network rm ${other.owner.split(' ').at(-1)}` : ''}`,
      })
    }
  })
  if (!ipaddr.IPv4.isValid(settings.clusterDns) || !overlap(`${settings.clusterDns}/32`, settings.serviceCidr)) {
    findings.push({
      state: 'failed',
      text: `the cluster's DNS address ${settings.clusterDns} is not in the Services' range ${settings.serviceCidr}`,
      cure: 'set COXSWAIN_CLUSTER_DNS in .env',
    })
  }
  return findings.length > 0
    ? findings
    : [good(`ranges: hosts ${settings.subnet}, pods ${settings.clusterCidr}, Services ${settings.serviceCidr}, none in use elsewhere`)]
}

/** Whether two IPv4 ranges share an address. */
export function overlap(one: string, other: string): boolean {
  const [addressA, bitsA] = ipaddr.IPv4.parseCIDR(one)
  const [addressB, bitsB] = ipaddr.IPv4.parseCIDR(other)
  return addressA.match(addressB, Math.min(bitsA, bitsB))
}

async function foreignRanges(settings: Settings): Promise<Range[]> {
  const networks = await dockerNetworks()
  const ownNetwork = `${settings.project}_cluster`
  const ranges: Range[] = networks
    .filter((network) => network.name !== ownNetwork)
    .flatMap(({ name, subnets }) => subnets.map((cidr) => ({ owner: `the Docker network ${name}`, cidr })))
  const seen = new Set(networks.flatMap(({ subnets }) => subnets.map(canonical)))
  const add = (owner: string, cidr: string) => {
    if (!ipaddr.IPv4.isValidCIDR(cidr) || seen.has(canonical(cidr))) return
    seen.add(canonical(cidr))
    ranges.push({ owner, cidr: canonical(cidr) })
  }
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { family, cidr, internal } of addresses ?? [])
      if (family === 'IPv4' && !internal && cidr) add(`the interface ${name} of this machine`, cidr)
  }
  const routes = await runCommand('ip', ['-4', 'route', 'show']).catch(() => undefined)
  for (const line of routes?.stdout.split('\n') ?? []) {
    const cidr = line.split(' ')[0] ?? ''
    if (cidr.includes('/') && !cidr.startsWith('0.')) add(`the route '${line.trim()}' of this machine`, cidr)
  }
  return ranges
}

function canonical(cidr: string): string {
  return `${ipaddr.IPv4.networkAddressFromCIDR(cidr)}/${cidr.split('/')[1]}`
}

async function dockerNetworks(): Promise<{ name: string; subnets: string[] }[]> {
  const list = await runCommand('docker', ['network', 'ls', '-q']).catch(() => undefined)
  const ids = list?.code === 0 ? list.stdout.split('\n').filter((id) => id !== '') : []
  if (ids.length === 0) return []
  const result = await runCommand('docker', ['network', 'inspect', ...ids])
  const networks = JSON.parse(result.stdout || '[]') as { Name: string; IPAM: { Config: { Subnet?: string }[] | null } }[]
  return networks.map(({ Name, IPAM }) => ({
    name: Name,
    subnets: (IPAM.Config ?? []).flatMap(({ Subnet }) => (Subnet !== undefined && ipaddr.IPv4.isValidCIDR(Subnet) ? [Subnet] : [])),
  }))
}
