import type { HostAlias, Pod } from '../../shared/openapi/generated/core-v1.ts'

/** The name a pod has for itself, and the full one when it belongs to a headless Service. */
export interface PodHostname {
  hostname: string
  /** Absent for pods without a subdomain. */
  fullName?: string | undefined
}

/** The kernel takes no longer host name. */
const LONGEST_HOSTNAME = 63

export function podHostname(pod: Pod, clusterDomain: string): PodHostname {
  const { hostname, subdomain, hostnameOverride, setHostnameAsFQDN } = pod.spec
  if (hostnameOverride) return { hostname: hostnameOverride }
  const short = hostname || (pod.metadata.name ?? '').slice(0, LONGEST_HOSTNAME).replace(/[-.]+$/, '')
  if (!subdomain) return { hostname: short }
  const fullName = `${short}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`
  return { hostname: setHostnameAsFQDN ? fullName : short, fullName }
}

/** The text of a pod's /etc/hosts. On the host network it is the node's own file with the pod's aliases added. */
export function hostsFile(pod: Pod, name: PodHostname, podIPs: readonly string[], nodeFile: string): string {
  const aliases = aliasLines(pod.spec.hostAliases ?? [])
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${nodeFile}${aliases}`
  const own = podIPs.map((ip) => `${ip}\t${name.fullName ? `${name.fullName}\t` : ''}${name.hostname}\n`)
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::0\tip6-localnet\n',
    'fe00::0\tip6-mcastprefix\n',
    'fe00::1\tip6-allnodes\n',
    'fe00::2\tip6-allrouters\n',
    ...own,
    aliases,
  ].join('')
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return ''
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`)
  return `\n# Entries added by HostAliases.\n${lines.join('')}`
}
