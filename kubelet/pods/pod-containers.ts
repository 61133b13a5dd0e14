import type { Container, EphemeralContainer, Pod } from '../../shared/openapi/generated/core-v1.ts'

/** A container as a pod's spec has it; ephemeral ones have one field more. */
export type AnyContainer = Container & Pick<EphemeralContainer, 'targetContainerName'>

export type ContainerKind = 'init' | 'app' | 'ephemeral'

/** An init container that keeps running beside the app (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}

/** Every container of the spec with its kind, in the order they start. */
export function* allContainers(pod: Pod): Generator<{ kind: ContainerKind; container: AnyContainer }> {
  for (const container of pod.spec.initContainers ?? []) yield { kind: 'init', container }
  for (const container of pod.spec.containers) yield { kind: 'app', container }
  for (const container of pod.spec.ephemeralContainers ?? []) yield { kind: 'ephemeral', container }
}

/** The container of that name, of whatever kind. */
export function findContainer(pod: Pod, name: string): { kind: ContainerKind; container: AnyContainer } | undefined {
  for (const found of allContainers(pod)) if (found.container.name === name) return found
  return undefined
}

/** The pod's grace period in seconds: what the delete asked for, else what the spec says, else 30. */
export function graceSecondsOf(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
}
