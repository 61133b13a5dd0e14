import { own } from '../../shared/objects/own.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'

/** Annotations by which upstream's kubelet tells where a pod is from; people and other programs read them. */
export const podAnnotation = {
  /** `file`, `http`; of pods from the API server none. */
  source: 'kubernetes.io/config.source',
  /** What the manifest says, as a hash; also the static pod's uid. */
  hash: 'kubernetes.io/config.hash',
  /** When the manifest was read first. */
  seen: 'kubernetes.io/config.seen',
  /** On the mirror: the hash of the static pod that it shows. */
  mirror: 'kubernetes.io/config.mirror',
} as const

/** From here on a pod is the cluster's own (upstream's system-cluster-critical). */
export const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000

/**
 * A pod that this node made of a manifest. Annotations could be written by anybody; what no pod from the API server has is that nobody
 * gave it a revision.
 */
export function isStaticPod({ metadata }: Pod): boolean {
  return metadata.resourceVersion === undefined && annotationOf(metadata, podAnnotation.source) !== undefined
}

/** A pod of the API server's that only shows a static pod: nothing of it is run. */
export function isMirrorPod({ metadata }: Pod): boolean {
  return annotationOf(metadata, podAnnotation.mirror) !== undefined
}

/** Whom a node keeps at the cost of others: static pods, and those of the cluster's own priority. */
export function isCriticalPod(pod: Pod): boolean {
  return isStaticPod(pod) || isMirrorPod(pod) || (pod.spec.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY
}

/** `namespace/name`: what the pod is called in the cluster. */
export function fullNameOf({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`
}

export function annotationOf({ annotations }: Pod['metadata'], name: string): string | undefined {
  return annotations && own(annotations, name)
}
