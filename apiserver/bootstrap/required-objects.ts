import type { BootstrapToken } from '../../shared/certificates/bootstrap-token.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type ClusterIdentity, requiredClusterInfo } from './cluster-info.ts'
import { requiredDnsService } from './dns-service.ts'
import type { RequiredObject } from './ensure.ts'
import { requiredFlowSchemas, requiredPriorityLevels } from './flow-control.ts'
import { requiredIngressClass } from './ingress-class.ts'
import { requiredJoinToken } from './join-token.ts'
import { requiredKubernetesEndpoints } from './kubernetes-endpoints.ts'
import { type Advertisement, requiredKubernetesService } from './kubernetes-service.ts'
import { requiredNamespaces } from './namespaces.ts'
import { requiredPolicy } from './policy/required-policy.ts'
import { requiredPriorityClasses } from './priority-classes.ts'
import { requiredServiceCIDR } from './service-cidr.ts'
import { requiredStorageClass } from './storage-class.ts'

export interface BootstrapFacts extends Advertisement, ClusterIdentity {
  /** Whether no other server works on the same store. */
  readonly isAlone: boolean
  /** All cluster IPs, `10.96.0.0/16`; a range for each family. */
  readonly serviceRanges: readonly string[]
  /** The cluster DNS addresses, at most one for each family; inside those ranges. */
  readonly dnsAddresses: readonly string[]
  readonly bootstrapToken: BootstrapToken
}

/** Everything that must exist before the server is ready, in the order in which it must be written (`ensureAll`). */
export function requiredObjects(facts: BootstrapFacts, present: ObjectReader): readonly (readonly RequiredObject[])[] {
  return [
    [...requiredNamespaces(), ...requiredPriorityLevels()],
    [
      ...requiredFlowSchemas(),
      ...requiredPolicy(),
      ...requiredPriorityClasses(),
      ...requiredStorageClass(present),
      ...requiredIngressClass(present),
      requiredServiceCIDR(facts.serviceRanges),
      requiredKubernetesService(facts),
      // Of several servers, who is alive decides (server-leases.ts). Set anew at each start: the address of a container changes with it.
      ...(facts.isAlone ? requiredKubernetesEndpoints([facts]).map(({ object }) => object) : []),
      requiredDnsService(facts.dnsAddresses),
      requiredJoinToken(facts.bootstrapToken),
      ...requiredClusterInfo(facts),
    ],
  ]
}
