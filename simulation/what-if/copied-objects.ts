import type { CustomResourceDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { Event, Node, Pod, ResourceQuota, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { ServiceCIDR } from '../../shared/openapi/generated/networking-v1.ts'
import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import { type CopiedKind, nameOf } from './copy-cluster.ts'

/** Kinds of which a forecast knows what is in them, by plural and group: others' kinds may have the same plural. */
interface KnownKinds {
  pods: Pod
  nodes: Node
  services: Service
  events: Event
  resourcequotas: ResourceQuota
  'servicecidrs.networking.k8s.io': ServiceCIDR
  'poddisruptionbudgets.policy': PodDisruptionBudget
  'customresourcedefinitions.apiextensions.k8s.io': CustomResourceDefinition
}

/** The objects of a kind; none where it could not be read. */
export function objectsOf<N extends keyof KnownKinds>(kinds: readonly CopiedKind[], name: N): readonly KnownKinds[N][] {
  // What a server of the API lists of a kind has that kind's shape.
  return (kinds.find((kind) => nameOf(kind) === name)?.objects ?? []) as readonly KnownKinds[N][]
}
