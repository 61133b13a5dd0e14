/** Which names of resources the rules of quotas and limits know (upstream's core helpers). */

const compute: ReadonlySet<string> = new Set(['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'])
const counts: ReadonlySet<string> = new Set([
  ...['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims'],
  ...['services.nodeports', 'services.loadbalancers'],
])
const standardOfQuotas: ReadonlySet<string> = new Set([
  ...compute,
  ...counts,
  ...['ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage', 'requests.storage'],
])
const ofClaims: ReadonlySet<string> = new Set(['persistentvolumeclaims', 'requests.storage'])

/** Pages of one size, as pods ask for them or as quotas name the asking. */
export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')
}

/** A name without a domain that a quota may limit. */
export function isStandardInQuota(name: string): boolean {
  return standardOfQuotas.has(name) || isHugePages(name)
}

/** A name without a domain that means something anywhere. */
export function isStandardResource(name: string): boolean {
  return isStandardInQuota(name) || name === 'storage'
}

/** Of a device plugin's domain, not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.')
}

/** Counted in whole pieces. */
export function isWholeResource(name: string): boolean {
  return counts.has(name) || isExtendedResource(name)
}

/** Whether a quota with this scope may limit the (standard) name: scopes are about pods, one is about claims. */
export function scopeCovers(scope: string, name: string): boolean {
  if (scope === 'BestEffort') return name === 'pods'
  if (scope === 'VolumeAttributesClass') return ofClaims.has(name)
  return name === 'pods' || compute.has(name)
}
