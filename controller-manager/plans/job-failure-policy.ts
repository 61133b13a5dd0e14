import type { PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement } from '../../shared/openapi/generated/batch-v1.ts'
import type { ContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'

/** What a policy makes of a failed pod. */
export interface FailureJudgement {
  /** The rule's action; undefined where no rule speaks of such a failure. */
  readonly action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore' | undefined
  /** For FailJob: the sentence people read. */
  readonly message?: string
}

/** The first rule that matches decides. Pure. */
export function judgeFailure(policy: PodFailurePolicy | undefined, pod: Pod): FailureJudgement {
  for (const [index, { action, onExitCodes, onPodConditions = [] }] of (policy?.rules ?? []).entries()) {
    const { namespace, name } = pod.metadata
    const what = onExitCodes ? exitThatMatches(pod, onExitCodes) : conditionThatMatches(pod, onPodConditions)
    if (what === undefined || !isKnown(action)) continue
    if (action !== 'FailJob') return { action }
    const rule = `matching ${action} rule at index ${index}`
    return {
      action,
      message: onExitCodes
        ? `Container ${what.replace('{pod}', `${namespace}/${name}`)} ${rule}`
        : `Pod ${namespace}/${name} ${what} ${rule}`,
    }
  }
  return { action: undefined }
}

/** Whether the failure counts towards limits. */
export function countsAsFailure({ action }: FailureJudgement): boolean {
  return action !== 'Ignore'
}

function isKnown(action: string): action is NonNullable<FailureJudgement['action']> {
  return action === 'Count' || action === 'FailIndex' || action === 'FailJob' || action === 'Ignore'
}

function conditionThatMatches({ status }: Pod, patterns: readonly { type: string; status: string }[]): string | undefined {
  const found = (status.conditions ?? []).find(({ type, status: is }) => patterns.some((one) => one.type === type && one.status === is))
  return found && `has condition ${found.type}`
}

/** Of the containers that ended badly the first whose code is meant; a container that still runs has none. */
function exitThatMatches({ status }: Pod, requirement: PodFailurePolicyOnExitCodesRequirement): string | undefined {
  for (const container of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]) {
    const code = exitCode(container)
    if (code === undefined || code === 0) continue
    if (requirement.containerName !== undefined && requirement.containerName !== container.name) continue
    const isListed = requirement.values.includes(code)
    const isMeant = (requirement.operator === 'In' && isListed) || (requirement.operator === 'NotIn' && !isListed)
    if (isMeant) return `${container.name} for pod {pod} failed with exit code ${code}`
  }
  return undefined
}

function exitCode({ state }: ContainerStatus): number | undefined {
  return state?.terminated?.exitCode
}
