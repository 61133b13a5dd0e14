import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { clusterIPsOf } from './cluster-ip-object.ts'
import { doorsOf } from './external-doors.ts'
import { nodePortsOf } from './port-range.ts'

/** What no two Services have, as claims. */
export function serviceClaims(service: Service): string[] {
  return [
    ...clusterIPsOf(service).map((address) => `cluster-ips/${address}`),
    ...nodePortsOf(service).map(([port, protocol]) => `node-ports/${protocol}-${port}`),
    ...doorsOf(service).map((door) => `external-doors/${door}`),
  ]
}
