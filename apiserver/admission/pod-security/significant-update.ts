import type { Container, Pod } from '../../../shared/openapi/generated/core-v1.ts'

/** Whether an update changes anything that checks look at: of a pod's containers only images can change, and only ephemeral ones are added. */
export function isSignificant(next: Pod, previous: Pod): boolean {
  const { spec } = next
  if (isOtherList(spec.containers, previous.spec.containers)) return true
  if (isOtherList(spec.initContainers ?? [], previous.spec.initContainers ?? [])) return true
  const images = new Map((previous.spec.ephemeralContainers ?? []).map(({ name, image }) => [name, image]))
  return (spec.ephemeralContainers ?? []).some(({ name, image }) => !images.has(name) || images.get(name) !== image)
}

function isOtherList(next: readonly Container[], previous: readonly Container[]): boolean {
  return next.length !== previous.length || next.some(({ image }, index) => image !== previous[index]?.image)
}
