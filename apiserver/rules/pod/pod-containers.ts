import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container, EphemeralContainer, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { containerProblems } from '../container/container.ts'

/** All containers of a pod: one name each, host ports not twice, and what each sort may not have. */
export function* podContainersProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  if (spec.containers.length === 0) yield fieldProblem.required(`${path}.containers`)
  const names = new Set<string>()
  yield* sortProblems(spec.containers, names, `${path}.containers`, (container, at) => containerProblems(container, spec, at))
  yield* sortProblems(spec.initContainers ?? [], names, `${path}.initContainers`, (container, at) =>
    initContainerProblems(container, spec, at),
  )
  yield* sortProblems(spec.ephemeralContainers ?? [], names, `${path}.ephemeralContainers`, (container, at) =>
    ephemeralContainerProblems(container, spec, at),
  )
  yield* hostPortProblems(spec, path)
}

function* sortProblems<T extends { name: string }>(
  containers: readonly T[],
  names: Set<string>,
  path: string,
  problemsOf: (container: T, path: string) => Iterable<FieldProblem>,
): Generator<FieldProblem> {
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`
    yield* problemsOf(container, at)
    if (container.name && names.has(container.name)) yield fieldProblem.duplicate(`${at}.name`, container.name)
    names.add(container.name)
  }
}

function* initContainerProblems(container: Container, spec: PodSpec, path: string): Generator<FieldProblem> {
  yield* containerProblems(container, spec, path)
  if (container.restartPolicy === 'Always') return
  if (container.resizePolicy?.length)
    yield fieldProblem.invalid(`${path}.resizePolicy`, container.resizePolicy, 'must not be set for init containers')
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field])
      yield fieldProblem.forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always')
  }
}

const refusedForEphemeral = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'restartPolicy',
  'resizePolicy',
] as const

function* ephemeralContainerProblems(container: EphemeralContainer, spec: PodSpec, path: string): Generator<FieldProblem> {
  yield* containerProblems(container, spec, path)
  for (const field of refusedForEphemeral) {
    const isSet = Array.isArray(container[field]) ? container[field].length > 0 : container[field] !== undefined
    if (isSet) yield fieldProblem.forbidden(`${path}.${field}`, 'cannot be set for an Ephemeral Container')
  }
  if (container.resources.limits || container.resources.requests) {
    yield fieldProblem.forbidden(`${path}.resources`, 'cannot be set for an Ephemeral Container')
  }
  const target = container.targetContainerName
  const others = [...spec.containers, ...(spec.initContainers ?? [])]
  if (target && !others.some((each) => each.name === target)) yield fieldProblem.notFound(`${path}.targetContainerName`, target)
}

function* hostPortProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  const taken = new Set<string>()
  const sorts = [
    [spec.containers, `${path}.containers`],
    [(spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always'), `${path}.initContainers`],
  ] as const
  for (const [containers, at] of sorts) {
    for (const [index, container] of containers.entries()) {
      for (const [place, port] of (container.ports ?? []).entries()) {
        if (!port.hostPort) continue
        const identity = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
        if (taken.has(identity)) yield fieldProblem.duplicate(`${at}[${index}].ports[${place}].hostPort`, identity)
        taken.add(identity)
      }
    }
  }
}
