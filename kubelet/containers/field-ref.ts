import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { metadataField } from '../volumes/pod-fields.ts'

/** Facts about a pod that its status may not say yet when its first container starts. */
export interface PodAddresses {
  podIPs: readonly string[]
  hostIPs: readonly string[]
}

/** The value of a downward API field as an environment variable shows it; undefined when there is no such field. */
export function fieldValue(pod: Pod, fieldPath: string, addresses: PodAddresses): string | undefined {
  switch (fieldPath) {
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
      return metadataField(pod, fieldPath)
  }
}
