import type { Container, EphemeralContainer, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { ObjectMeta } from '../../../shared/openapi/generated/meta-v1.ts'

/** Why a pod is not what a level asks for. */
export interface Violation {
  /** A few words; all that is said where many pods are looked at. */
  readonly reason: string
  /** Which containers, volumes or values. */
  readonly detail: string
}

/** Looks at a pod, or at the template of pods. */
export type FindViolation = (metadata: ObjectMeta, spec: PodSpec) => Violation | undefined

/** One rule of the Pod Security Standards, with its history. */
export interface Check {
  /** Upstream's name. */
  readonly id: string
  /** Baseline checks are also checks of the restricted level. */
  readonly level: 'baseline' | 'restricted'
  /** The baseline check that this one is the stricter form of: from its first version on it takes its place. */
  readonly replaces?: string
  /** What is asked since which minor version; each holds until the next. */
  readonly versions: readonly { readonly since: number; readonly find: FindViolation }[]
}

/** Init containers, containers and ephemeral ones: messages name them in this order. */
export function containersOf(spec: PodSpec): readonly (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
}

/** Of a Linux mechanism: pods that say they are for Windows cannot set it, and need not. */
export function exceptOnWindows(find: FindViolation): FindViolation {
  return (metadata, spec) => (spec.os?.name === 'windows' ? undefined : find(metadata, spec))
}

/** Of what is harmless in a user namespace, where root is nobody outside (KEP-127). */
export function exceptInUserNamespace(find: FindViolation): FindViolation {
  return (metadata, spec) => (spec.hostUsers === false ? undefined : find(metadata, spec))
}
