import { nearest } from '../../shared/process/nearest.ts'
import { parseServer, type ServerAddress } from '../forward/server-address.ts'
import { Hosts, hostName, parseHosts } from './hosts.ts'

/** What people set for the whole cluster, by the ConfigMap `kube-dns` of `kube-system`. */
export interface Configuration {
  /** Domain → whom to ask for it and what is below it. */
  stubDomains: ReadonlyMap<string, readonly ServerAddress[]>
  /** Whom to ask for the rest; empty: the servers of each node. */
  upstreamNameservers: readonly ServerAddress[]
  hosts: Hosts
  queryLog: boolean
}

export const defaultConfiguration: Configuration = { stubDomains: new Map(), upstreamNameservers: [], hosts: new Hosts(), queryLog: false }

/** A ConfigMap that cannot be followed; the message names the key and what is wrong with it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

/** Servers for one domain: more only make a question that nobody answers take longer (CoreDNS' own limit). */
const MOST_SERVERS = 15
const MOST_DOMAINS = 1_000
const KEYS = ['stubDomains', 'upstreamNameservers', 'hosts', 'queryLog']

export interface ClusterPlace {
  /** The cluster's, lower case. */
  domain: string
  /** Addresses where we answer ourselves. */
  own: readonly string[]
}

/**
 * Reads the data of the ConfigMap: the keys of kube-dns (`stubDomains`, `upstreamNameservers`, in JSON), `hosts` (as `/etc/hosts`) and `queryLog`.
 * All of it or nothing: a typing slip must not turn half of it off.
 * @throws ConfigurationError
 */
export function parseConfiguration(data: Readonly<Record<string, string>>, place: ClusterPlace): Configuration {
  const configuration = { ...defaultConfiguration }
  for (const [key, text] of Object.entries(data)) {
    const refuse = (problem: string): never => {
      throw new ConfigurationError(`${key}: ${problem}`)
    }
    if (text.trim() === '') continue
    if (key === 'stubDomains') configuration.stubDomains = stubDomains(jsonOf(text, refuse), place, refuse)
    else if (key === 'upstreamNameservers') configuration.upstreamNameservers = serversOf(jsonOf(text, refuse), place, refuse)
    else if (key === 'hosts') configuration.hosts = parseHosts(text, refuse)
    else if (key === 'queryLog') configuration.queryLog = switchOf(text.trim(), refuse)
    else refuse(unknownKey(key))
  }
  return configuration
}

type Refuse = (problem: string) => never

function unknownKey(key: string): string {
  if (key === 'Corefile') return `a Corefile is CoreDNS' own; here ${KEYS.join(', ')} say the same`
  const meant = nearest(key, KEYS)
  return `is not known${meant ? `; did you mean ${meant}?` : `; there are ${KEYS.join(', ')}`}`
}

function jsonOf(text: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return refuse(`is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function stubDomains(value: unknown, place: ClusterPlace, refuse: Refuse): Map<string, readonly ServerAddress[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('has to be an object of domains: {"corp.example": ["10.0.0.1"]}')
  const entries = Object.entries(value)
  if (entries.length > MOST_DOMAINS) refuse(`has ${entries.length} domains, ${MOST_DOMAINS} at most can be`)
  const domains = new Map<string, readonly ServerAddress[]>()
  for (const [text, servers] of entries) {
    const domain = hostName(text) ?? refuse(`${JSON.stringify(text)} is no DNS name`)
    if (`.${domain}`.endsWith(`.${place.domain}`))
      refuse(`${JSON.stringify(text)} is the cluster's own domain; single names can be set in hosts`)
    domains.set(
      domain,
      serversOf(servers, place, (problem) => refuse(`${JSON.stringify(text)} ${problem}`)),
    )
  }
  return domains
}

function serversOf(value: unknown, { own }: ClusterPlace, refuse: Refuse): readonly ServerAddress[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_SERVERS)
    return refuse(`has to be a list of 1 to ${MOST_SERVERS} servers: ["10.0.0.1", "10.0.0.2:5353"]`)
  return value.map((text: unknown) => {
    const server = typeof text === 'string' ? parseServer(text.trim()) : undefined
    if (!server) return refuse(`${JSON.stringify(text)} is no IP address (with or without :port)`)
    if (own.includes(server.host)) refuse(`${server.host} is this DNS itself, which would ask itself for ever`)
    return server
  })
}

function switchOf(text: string, refuse: Refuse): boolean {
  return text === 'true' || (text === 'false' ? false : refuse(`${JSON.stringify(text)} is neither "true" nor "false"`))
}
