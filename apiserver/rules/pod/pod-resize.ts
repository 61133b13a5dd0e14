import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { podSpecProblems } from './pod-spec.ts'
import { MIRROR_ANNOTATION } from './pod-update.ts'
import { qualityOfService } from './quality-of-service.ts'

/** What may be changed while a container runs. */
const RESIZABLE = ['cpu', 'memory']
const LISTS = ['containers', 'initContainers'] as const
const PARTS = ['requests', 'limits'] as const

/** Keeps of `next` the resources of its containers and how they want to be resized (KEP-1287). Edits in place. */
export function restrictToResize(next: Pod, previous: Pod): void {
  const { spec, status, metadata } = structuredClone(previous)
  const wanted = next.spec
  next.metadata = { ...metadata, resourceVersion: next.metadata.resourceVersion }
  next.status = status
  next.spec = spec
  // A wish for the whole pod is kept, to be refused: nothing is worse than a wish that is answered by silence.
  next.spec.resources = wanted.resources
  for (const list of LISTS) {
    const [asked = [], had = []] = [wanted[list], spec[list]]
    // Containers that came, went or changed places are left as they were asked for: the refusal names them.
    if (asked.length === had.length && asked.every(({ name }, index) => name === had[index]?.name))
      next.spec[list] = had.map((container, index) => withWish(container, asked[index]))
    else next.spec[list] = asked
    if (spec[list] === undefined) delete next.spec[list]
  }
}

function withWish(container: Container, wish: Container | undefined): Container {
  if (!wish) return container
  const { resizePolicy: _, ...rest } = container
  return { ...rest, resources: wish.resources, ...(wish.resizePolicy ? { resizePolicy: wish.resizePolicy } : {}) }
}

/** Only CPU and memory of containers that run change, nothing is taken back, and the pod stays in its class; in upstream's order and words. */
export function* podResizeProblems(next: Pod, previous: Pod): Generator<FieldProblem> {
  if (previous.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
    return yield fieldProblem.forbidden('metadata', 'static pods cannot be resized')
  if (!sameValue(next.spec.resources, previous.spec.resources) || hasAmounts(previous.spec.resources))
    return yield fieldProblem.forbidden('spec.resources', 'pods with pod-level resources cannot be resized')
  yield* podSpecProblems(next.spec, 'spec')
  const [before, after] = [qualityOfService(previous.spec), qualityOfService(next.spec)]
  if (before !== after) yield fieldProblem.invalid('spec', after, 'Pod QOS Class may not change as a result of resizing')
  if (runsWithoutSupport(previous)) yield fieldProblem.forbidden('spec', 'Pod running on node without support for resize')
  const moved = LISTS.filter((list) => !sameValue(namesOf(next.spec, list), namesOf(previous.spec, list)))
  for (const list of moved) {
    const isCount = next.spec[list]?.length !== previous.spec[list]?.length
    yield fieldProblem.forbidden(`spec.${list}`, `${list} may not be ${isCount ? 'added or removed' : 'renamed or reordered'} on resize`)
  }
  if (moved.length > 0) return
  for (const list of LISTS) yield* removalProblems(next.spec, previous.spec, list)
  yield* immutableProblems(next.spec, previous.spec)
}

function namesOf(spec: PodSpec, list: (typeof LISTS)[number]): string[] {
  return (spec[list] ?? []).map(({ name }) => name)
}

function hasAmounts(resources: ResourceRequirements | undefined): boolean {
  return PARTS.some((part) => Object.keys(resources?.[part] ?? {}).length > 0)
}

/** A node that resizes says of each running container what it has; one that never said so would leave the wish unheard. */
function runsWithoutSupport({ spec, status }: Pod): boolean {
  return (status.containerStatuses ?? []).some(({ name, state, resources }) => {
    const asks = hasAmounts(spec.containers.find((container) => container.name === name)?.resources)
    return state.running !== undefined && asks && resources === undefined
  })
}

function* removalProblems(next: PodSpec, previous: PodSpec, list: (typeof LISTS)[number]): Generator<FieldProblem> {
  for (const [index, { resources }] of (previous[list] ?? []).entries()) {
    for (const part of PARTS) {
      const now = next[list]?.[index]?.resources[part] ?? {}
      const isRemoved = RESIZABLE.some((name) => resources[part]?.[name] !== undefined && now[name] === undefined)
      if (isRemoved) yield fieldProblem.forbidden(`spec.${list}[${index}].resources.${part}`, `resource ${part} cannot be removed`)
    }
  }
}

function* immutableProblems(next: PodSpec, previous: PodSpec): Generator<FieldProblem> {
  const isSidecar = ({ restartPolicy }: Container) => restartPolicy === 'Always'
  const steps = (spec: PodSpec) =>
    (spec.initContainers ?? []).filter((container) => !isSidecar(container)).map(({ resources }) => resources)
  if (!sameValue(steps(next), steps(previous)))
    yield fieldProblem.forbidden('spec.initContainers', 'resources for non-sidecar init containers are immutable')
  const rest = ({ containers, initContainers }: PodSpec) => [...containers, ...(initContainers ?? []).filter(isSidecar)].map(fixedPart)
  const [before, after] = [rest(previous), rest(next)]
  const changed = after.flatMap(({ name }, index) => (sameValue(before[index], after[index]) ? [] : [name]))
  if (changed.length > 0)
    yield fieldProblem.forbidden('spec', `only cpu and memory resources are mutable\nchanged: containers ${changed.join(', ')}\n`)
}

function fixedPart(container: Container) {
  const kept = (amounts: Record<string, string> = {}) => Object.entries(amounts).filter(([name]) => !RESIZABLE.includes(name))
  const { limits, requests, claims } = container.resources
  return { name: container.name, limits: kept(limits), requests: kept(requests), claims, policy: container.resizePolicy }
}
