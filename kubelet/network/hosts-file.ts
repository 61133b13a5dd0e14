import type { HostAlias, Pod } from '../../shared/openapi/generated/core-v1.ts'

/** The names of a pod. */
export interface PodHostname {
  /** As the kernel has it: what `hostname` prints. */
  hostname: string
  /** The first part of the full name. */
  shortName: string
  /** Absent for pods without a subdomain. */
  fullName?: string | undefined
}

/** A host name is one label of DNS, cut to its length; the kernel's own limit is for the full name. */
const LONGEST_HOSTNAME = 63
const LONGEST_FULL_NAME = 64

/** @throws Error for a full name that is to be the host name and is too long for that */
export function podHostname(pod: Pod, clusterDomain: string): PodHostname {
  const { hostname, subdomain, hostnameOverride, setHostnameAsFQDN } = pod.spec
  if (hostnameOverride) return { hostname: hostnameOverride, shortName: hostnameOverride }
  const short = hostname || (pod.metadata.name ?? '').slice(0, LONGEST_HOSTNAME).replace(/[-.]+$/, '')
  if (!subdomain) return { hostname: short, shortName: short }
  const fullName = `${short}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`
  if (!setHostnameAsFQDN) return { hostname: short, shortName: short, fullName }
  if (fullName.length > LONGEST_FULL_NAME) {
    const limit = `${LONGEST_FULL_NAME} characters is the max, ${fullName.length} characters requested`
    throw new Error(`failed to construct FQDN from pod hostname and cluster domain, FQDN ${fullName} is too long (${limit})`)
  }
  return { hostname: fullName, shortName: short, fullName }
}

/** The text of a pod's /etc/hosts. On the host network it is the node's own file with the pod's aliases added. */
export function hostsFile(pod: Pod, name: PodHostname, podIPs: readonly string[], nodeFile: string): string {
  const aliases = aliasLines(pod.spec.hostAliases ?? [])
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${nodeFile}${aliases}`
  const own = podIPs.map((ip) => `${ip}\t${name.fullName ? `${name.fullName}\t` : ''}${name.shortName}\n`)
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
