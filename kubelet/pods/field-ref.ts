import type { Pod } from '../../shared/openapi/generated/core-v1.ts'

/** Facts about a pod that its status may not say yet when its first container starts. */
export interface PodAddresses {
  podIPs: readonly string[]
  hostIPs: readonly string[]
}

/** A subscripted path, e.g. `metadata.labels['app']`. */
const SUBSCRIPT = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/

/**
 * The value of a downward API field, as environment variables and files show it; undefined when there is no such field.
 * Maps (all labels, all annotations) are for files only: one `key="value"` a line.
 */
export function fieldValue(pod: Pod, fieldPath: string, addresses: PodAddresses): string | undefined {
  const subscript = SUBSCRIPT.exec(fieldPath)
  if (subscript) {
    const [, path, key = ''] = subscript
    const map = path === 'metadata.labels' ? pod.metadata.labels : pod.metadata.annotations
    return map?.[key] ?? ''
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name ?? ''
    case 'metadata.namespace':
      return pod.metadata.namespace ?? ''
    case 'metadata.uid':
      return pod.metadata.uid ?? ''
    case 'metadata.labels':
      return lines(pod.metadata.labels)
    case 'metadata.annotations':
      return lines(pod.metadata.annotations)
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return addresses.hostIPs[0] ?? ''
    case 'status.hostIPs':
      return addresses.hostIPs.join(',')
    case 'status.podIP':
      return addresses.podIPs[0] ?? ''
    case 'status.podIPs':
      return addresses.podIPs.join(',')
    default:
      return undefined
  }
}

function lines(map: Record<string, string> | undefined): string {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n')
}
