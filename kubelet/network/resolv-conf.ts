import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { SandboxConfig } from '../runtime/container-runtime.ts'

export type DnsConfig = SandboxConfig['dns']

export interface ClusterDns {
  /** Addresses of the cluster's DNS; empty: there is none. */
  servers: readonly string[]
  /** e.g. `cluster.local` */
  domain: string
}

/** The limits of the C library's resolver, as validation has them. */
const MOST_SERVERS = 3
const MOST_SEARCHES = 32

/** Reads a resolv.conf. Later `search` lines replace earlier ones, as in the C library. */
export function parseResolvConf(text: string): DnsConfig {
  const config: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && words[0]) config.servers.push(words[0])
    else if (keyword === 'search' || keyword === 'domain') config.searches = words.filter((word) => word !== '.')
    else if (keyword === 'options') config.options.push(...words)
  }
  return config
}

/** What a pod's resolv.conf says, by its DNS policy and its own additions. */
export function podDns(pod: Pod, cluster: ClusterDns, node: DnsConfig): DnsConfig {
  const { dnsConfig = {} } = pod.spec
  const base = baseConfig(pod, cluster, node)
  const own = (dnsConfig.options ?? []).map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`))
  const replaced = new Set(own.map(optionName))
  return {
    servers: unique([...base.servers, ...(dnsConfig.nameservers ?? [])]).slice(0, MOST_SERVERS),
    searches: unique([...base.searches, ...(dnsConfig.searches ?? [])]).slice(0, MOST_SEARCHES),
    options: [...base.options.filter((option) => !replaced.has(optionName(option))), ...own],
  }
}

function baseConfig(pod: Pod, cluster: ClusterDns, node: DnsConfig): DnsConfig {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'None') return { servers: [], searches: [], options: [] }
  const wantsCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec.hostNetwork)
  if (!wantsCluster || cluster.servers.length === 0) return node
  const { domain } = cluster
  const searches = [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...node.searches]
  return { servers: [...cluster.servers], searches, options: ['ndots:5'] }
}

function optionName(option: string): string {
  return option.split(':')[0] ?? option
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
