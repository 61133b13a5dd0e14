import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { conditionOf, isConditionTrue, withConditions } from './definition-conditions.ts'

type Status = CustomResourceDefinition['status']
type Condition = NonNullable<Status['conditions']>[number]

/**
 * Which names a definition has: those it asks for, as far as no other one of its group has them (upstream's naming controller). Answers the
 * status with them and the conditions that follow; the same one where nothing changes. Pure.
 */
export function acceptNames(definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[], now: string): Status {
  const { spec, status } = definition
  const taken = takenNames(others)
  const accepted: CustomResourceDefinitionNames = { ...status.acceptedNames }
  const conflicts: { reason: string; message: string }[] = []
  const claim = (name: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string>, reason: string) => {
    const asked = spec.names[name] ?? ''
    if (asked === (accepted[name] ?? '') || !used.has(asked)) accepted[name] = asked
    else conflicts.push({ reason, message: inUse(asked) })
  }
  claim('plural', taken.resources, 'PluralConflict')
  claim('singular', taken.resources, 'SingularConflict')
  const refused = (spec.names.shortNames ?? []).filter((name) => !accepted.shortNames?.includes(name) && taken.resources.has(name))
  if (refused.length === 0) accepted.shortNames = spec.names.shortNames
  else conflicts.push({ reason: 'ShortNamesConflict', message: joined(refused.map(inUse)) })
  claim('kind', taken.kinds, 'KindConflict')
  claim('listKind', taken.kinds, 'ListKindConflict')
  accepted.categories = spec.names.categories
  const conditions = withConditions(status.conditions, conditionsFor(definition, conflicts.at(-1)), now)
  const next = { ...status, acceptedNames: accepted, conditions }
  return sameValue(next, status) ? status : next
}

function conditionsFor(definition: CustomResourceDefinition, conflict: { reason: string; message: string } | undefined): Condition[] {
  const wasEstablished = isConditionTrue(definition, 'Established')
  const named: Condition = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  const established: Condition = wasEstablished
    ? conditionOf(definition, 'Established')!
    : conflict
      ? { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
      : { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
  return [named, established, ...approvalOf(definition)]
}

export const APPROVED = 'api-approved.kubernetes.io'

/** Groups of the project itself need somebody's approval (KEP-1111). */
export function isProtectedGroup(group: string): boolean {
  return ['k8s.io', 'kubernetes.io'].some((suffix) => group === suffix || group.endsWith(`.${suffix}`))
}

function approvalOf({ metadata, spec }: CustomResourceDefinition): Condition[] {
  const text = metadata.annotations?.[APPROVED]
  if (!isProtectedGroup(spec.group) || !text) return []
  const type = 'KubernetesAPIApprovalPolicyConformant'
  if (text.startsWith('unapproved')) {
    const message = `not approved: ${JSON.stringify(text)}`
    return [{ type, status: 'False', reason: 'UnapprovedAnnotation', message }]
  }
  return [{ type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${text}` }]
}

function takenNames(others: readonly CustomResourceDefinition[]): { resources: Set<string>; kinds: Set<string> } {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const { status } of others) {
    const { plural, singular, shortNames = [], kind, listKind } = status.acceptedNames
    for (const name of [plural, singular, ...shortNames]) if (name) resources.add(name)
    for (const name of [kind, listKind]) if (name) kinds.add(name)
  }
  return { resources, kinds }
}

const inUse = (name: string) => `${JSON.stringify(name)} is already in use`
const joined = (sentences: readonly string[]) => (sentences.length === 1 ? sentences[0]! : `[${sentences.join(', ')}]`)
