import { invalid } from '../../../shared/errors/status-error.ts'
import type { Namespace } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import type { AdmissionRequest } from '../admission.ts'
import { existingPodsWarnings } from './existing-pods.ts'
import type { PodSecurityOptions } from './pod-security.ts'
import { allowsSame, compareLevels, isLabelled, isPrivileged, modes, type Policy, policyOf, shownLevel } from './policy.ts'

/**
 * Labels that say a policy must be readable where they are set or changed; who makes a namespace stricter hears of the pods in it that are not
 * allowed any more. They go on running.
 * @throws StatusError Invalid
 */
export function checkNamespace(
  request: AdmissionRequest,
  next: Namespace,
  previous: Namespace | undefined,
  options: PodSecurityOptions,
): Promise<void> | undefined {
  const { context } = request
  const name = next.metadata.name ?? ''
  const { policy, problems } = policyOf(next.metadata.labels, options.defaults)
  const old = previous && policyOf(previous.metadata.labels, options.defaults)
  if (problems.length > 0 && !(old && sameValue(problems, old.problems))) throw invalid({ group: '', kind: 'Namespace' }, name, problems)
  if (old && !isStricter(policy, old.policy)) return undefined
  if (options.exemptions.hasNamespace(name)) {
    warnOfExemption(request, next, policy, options)
    return undefined
  }
  return old && warnOfPods(context, name, policy, options)
}

async function warnOfPods(
  context: AdmissionRequest['context'],
  namespace: string,
  { enforce }: Policy,
  { exemptions }: PodSecurityOptions,
): Promise<void> {
  for (const warning of await existingPodsWarnings(context, namespace, enforce, exemptions)) context.warn(warning)
}

/** Whether pods that were allowed may not be allowed any more. Other versions of one level are not comparable. */
function isStricter({ enforce: next }: Policy, { enforce: previous }: Policy): boolean {
  if (next.level === 'privileged') return false
  return next.version !== previous.version || compareLevels(next.level, previous.level) > 0
}

function warnOfExemption({ context }: AdmissionRequest, { metadata }: Namespace, policy: Policy, { defaults }: PodSecurityOptions): void {
  if (isPrivileged(policy) || allowsSame(policy, defaults)) return
  const { name, labels = {} } = metadata
  const said = modes.filter((mode) => policy[mode].level !== 'privileged' && isLabelled(labels, mode))
  const shown = said.map((mode) => `${mode}=${shownLevel(policy[mode])}`).join(', ')
  context.warn(`namespace "${name}" is exempt from Pod Security, and the policy (${shown}) will be ignored`)
}
