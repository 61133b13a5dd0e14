import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container, Pod, PodSpec, Toleration } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { podSpecProblems } from './pod-spec.ts'

/** On what a node shows of its static pods. */
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'
const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** Almost nothing of a pod may change once it exists; what may is listed in the refusal. */
export function* podUpdateProblems(next: Pod, previous: Pod): Generator<FieldProblem> {
  yield* mirrorProblems(next, previous)
  yield* sameCountProblems(next.spec, previous.spec)
  yield* deadlineProblems(next.spec.activeDeadlineSeconds, previous.spec.activeDeadlineSeconds)
  yield* tolerationChangeProblems(next.spec.tolerations ?? [], previous.spec.tolerations ?? [])
  yield* gateProblems(next.spec, previous.spec)
  const isGated = (previous.spec.schedulingGates?.length ?? 0) > 0
  const allowed: PodSpec = {
    ...previous.spec,
    containers: withImages(previous.spec.containers, next.spec.containers),
    initContainers: withImages(previous.spec.initContainers ?? [], next.spec.initContainers ?? []),
    activeDeadlineSeconds: next.spec.activeDeadlineSeconds,
    tolerations: next.spec.tolerations,
    schedulingGates: next.spec.schedulingGates,
    ephemeralContainers: next.spec.ephemeralContainers,
    // The scheduler has not looked yet: what steers it may still be narrowed.
    ...(isGated ? { nodeSelector: next.spec.nodeSelector, affinity: next.spec.affinity } : {}),
  }
  if ((previous.spec.terminationGracePeriodSeconds ?? 0) < 0 && next.spec.terminationGracePeriodSeconds === 1) {
    allowed.terminationGracePeriodSeconds = 1
  }
  const changed = changedFields(normalized(next.spec), normalized(allowed))
  if (changed.length > 0) yield fieldProblem.forbidden('spec', `${CHANGEABLE}\nchanged: ${changed.join(', ')}\n`)
  if (!sameValue(next.spec.ephemeralContainers ?? [], previous.spec.ephemeralContainers ?? [])) {
    yield fieldProblem.forbidden(
      'spec.ephemeralContainers',
      'pod updates may not change ephemeral containers; use the ephemeralcontainers subresource',
    )
  }
}

/** A kubelet's own pods are told by this: nothing else may begin or cease to look like one (nodes read no Secrets for them). */
function* mirrorProblems(next: Pod, previous: Pod): Generator<FieldProblem> {
  const path = `metadata.annotations[${MIRROR_ANNOTATION}]`
  const [now, before] = [next, previous].map(({ metadata }) => metadata.annotations?.[MIRROR_ANNOTATION])
  if (before === undefined && now !== undefined) yield fieldProblem.forbidden(path, 'may not add mirror pod annotation')
  if (before !== undefined && now !== before) yield fieldProblem.forbidden(path, 'may not remove or update mirror pod annotation')
}

/** Empty lists and missing ones are the same. */
function normalized(spec: PodSpec): PodSpec {
  return { ...spec, initContainers: spec.initContainers?.length ? spec.initContainers : undefined }
}

function changedFields(a: PodSpec, b: PodSpec): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof PodSpec>
  return [...names].filter((name) => !sameValue(a[name], b[name])).map((name) => `spec.${name}`)
}

function withImages(containers: readonly Container[], source: readonly Container[]): Container[] {
  return containers.map((container, index) => ({ ...container, image: source[index]?.image }))
}

function* sameCountProblems(next: PodSpec, previous: PodSpec): Generator<FieldProblem> {
  for (const field of ['containers', 'initContainers'] as const) {
    if ((next[field]?.length ?? 0) !== (previous[field]?.length ?? 0)) {
      yield fieldProblem.forbidden(`spec.${field}`, 'pod updates may not add or remove containers')
    }
  }
}

function* deadlineProblems(next: number | undefined, previous: number | undefined): Generator<FieldProblem> {
  const path = 'spec.activeDeadlineSeconds'
  if (previous === undefined) return
  if (next === undefined) yield fieldProblem.invalid(path, null, 'must not update from a positive integer to nil value')
  else if (next > previous) yield fieldProblem.invalid(path, next, 'must be less than or equal to previous value')
}

function* tolerationChangeProblems(next: readonly Toleration[], previous: readonly Toleration[]): Generator<FieldProblem> {
  const withoutSeconds = (toleration: Toleration): Toleration => ({ ...toleration, tolerationSeconds: undefined })
  const isKept = previous.every((old) =>
    next.some((each) => sameValue(each, old) || (old.effect === 'NoExecute' && sameValue(withoutSeconds(each), withoutSeconds(old)))),
  )
  if (!isKept) yield fieldProblem.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')
}

function* gateProblems(next: PodSpec, previous: PodSpec): Generator<FieldProblem> {
  const before = new Set((previous.schedulingGates ?? []).map((gate) => gate.name))
  const added = (next.schedulingGates ?? []).filter((gate) => !before.has(gate.name))
  if (added.length > 0) {
    yield fieldProblem.forbidden(
      'spec.schedulingGates',
      `only deletion is allowed, but found new scheduling gates '${added.map((gate) => gate.name).join()}'`,
    )
  }
}

/** The status half may not contradict what was decided: the node is the scheduler's, and what terminated stays so. */
export function* podStatusUpdateProblems(next: Pod, previous: Pod): Generator<FieldProblem> {
  yield* mirrorProblems(next, previous)
  if (next.spec.nodeName !== previous.spec.nodeName) yield fieldProblem.forbidden('status.nodeName', 'may not be changed directly')
  if (previous.spec.restartPolicy === 'Always') return
  for (const field of ['containerStatuses', 'initContainerStatuses'] as const) {
    for (const [index, status] of (next.status[field] ?? []).entries()) {
      const before = previous.status[field]?.find((each) => each.name === status.name)
      if (!before?.state.terminated || status.state.terminated) continue
      if (previous.spec.restartPolicy === 'OnFailure' && before.state.terminated.exitCode !== 0) continue
      const declared = [...previous.spec.containers, ...(previous.spec.initContainers ?? [])].find((each) => each.name === status.name)
      if (declared?.restartPolicy || declared?.restartPolicyRules?.length) continue
      yield fieldProblem.forbidden(`status.${field}[${index}].state`, 'may not be transitioned to non-terminated state')
    }
  }
}

/** Ephemeral containers are only ever added. */
export function* ephemeralContainersUpdateProblems(next: Pod, previous: Pod): Generator<FieldProblem> {
  yield* podSpecProblems(next.spec, 'spec')
  const path = 'spec.ephemeralContainers'
  const now = next.spec.ephemeralContainers ?? []
  for (const before of previous.spec.ephemeralContainers ?? []) {
    const index = now.findIndex((each) => each.name === before.name)
    if (index < 0) yield fieldProblem.forbidden(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`)
    else if (!sameValue(now[index], before)) {
      yield fieldProblem.forbidden(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`)
    }
  }
}
