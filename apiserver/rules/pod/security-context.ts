import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { PodSecurityContext, SeccompProfile, SecurityContext } from '../../../shared/openapi/generated/core-v1.ts'
import { descendingPathProblems } from '../volume/local-path.ts'

const LARGEST_ID = 2 ** 31 - 1
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/

/** Settings of one container. */
export function* securityContextProblems(context: SecurityContext, path: string): Generator<FieldProblem> {
  yield* identityProblems(context.runAsUser, `${path}.runAsUser`)
  yield* identityProblems(context.runAsGroup, `${path}.runAsGroup`)
  if (context.procMount && !['Default', 'Unmasked'].includes(context.procMount)) {
    yield fieldProblem.notSupported(`${path}.procMount`, context.procMount, ['Default', 'Unmasked'])
  }
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged)
      yield fieldProblem.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      yield fieldProblem.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN')
    }
  }
  if (context.seccompProfile) yield* seccompProblems(context.seccompProfile, `${path}.seccompProfile`)
}

/** Settings of the whole pod. */
export function* podSecurityContextProblems(context: PodSecurityContext, path: string): Generator<FieldProblem> {
  yield* identityProblems(context.runAsUser, `${path}.runAsUser`)
  yield* identityProblems(context.runAsGroup, `${path}.runAsGroup`)
  yield* identityProblems(context.fsGroup, `${path}.fsGroup`)
  for (const [index, group] of (context.supplementalGroups ?? []).entries())
    yield* identityProblems(group, `${path}.supplementalGroups[${index}]`)
  const names = new Set<string>()
  for (const [index, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${index}].name`
    if (!name) yield fieldProblem.required(at)
    else if (name.length > 253 || !SYSCTL.test(name)) {
      yield fieldProblem.invalid(at, name, `must have at most 253 characters and match regex ${SYSCTL.source}`)
    } else if (names.has(name)) yield fieldProblem.duplicate(at, name)
    names.add(name)
  }
  const policy = context.fsGroupChangePolicy
  if (policy !== undefined && !['Always', 'OnRootMismatch'].includes(policy)) {
    yield fieldProblem.notSupported(`${path}.fsGroupChangePolicy`, policy, ['Always', 'OnRootMismatch'])
  }
  if (context.seccompProfile) yield* seccompProblems(context.seccompProfile, `${path}.seccompProfile`)
}

function* identityProblems(id: number | undefined, path: string): Generator<FieldProblem> {
  if (id !== undefined && (id < 0 || id > LARGEST_ID))
    yield fieldProblem.invalid(path, id, `must be between 0 and ${LARGEST_ID}, inclusive`)
}

function* seccompProblems({ type, localhostProfile }: SeccompProfile, path: string): Generator<FieldProblem> {
  if (!type) {
    yield fieldProblem.required(`${path}.type`, 'type is required when seccompProfile is set')
    return
  }
  if (type === 'Localhost') {
    if (!localhostProfile) yield fieldProblem.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost')
    else yield* descendingPathProblems(localhostProfile, `${path}.localhostProfile`)
  } else if (localhostProfile !== undefined) {
    yield fieldProblem.invalid(`${path}.localhostProfile`, localhostProfile, 'can only be set when seccomp type is Localhost')
  }
  if (!['Localhost', 'RuntimeDefault', 'Unconfined'].includes(type)) {
    yield fieldProblem.notSupported(`${path}.type`, type, ['Localhost', 'RuntimeDefault', 'Unconfined'])
  }
}
