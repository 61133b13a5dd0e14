type Labels = Readonly<Record<string, string>> | undefined

/** Labels under kubernetes.io and k8s.io that a kubelet may set on its Node; all others there are for administrators. */
const KUBELET_LABELS = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.kubernetes.io/zone',
  'failure-domain.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
])
const KUBELET_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io']
const RESTRICTED = 'node-restriction.kubernetes.io'

/** The labels that differ between two states of a Node and that its kubelet may not touch, sorted. */
export function forbiddenNodeLabels(next: Labels, previous: Labels): string[] {
  const keys = new Set([...Object.keys(next ?? {}), ...Object.keys(previous ?? {})])
  return [...keys].filter((key) => next?.[key] !== previous?.[key] && isForbidden(key)).sort()
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/')
  const domain = slash < 0 ? '' : key.slice(0, slash)
  if (isWithin(domain, RESTRICTED)) return true
  const isReserved = isWithin(domain, 'kubernetes.io') || isWithin(domain, 'k8s.io')
  return isReserved && !KUBELET_LABELS.has(key) && !KUBELET_DOMAINS.some((each) => isWithin(domain, each))
}

const isWithin = (domain: string, parent: string) => domain === parent || domain.endsWith(`.${parent}`)
