import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../../shared/openapi/generated/apiextensions-v1.ts'

/** Keeps the definition until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

type Condition = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>

export function conditionOf(definition: CustomResourceDefinition, type: string): CustomResourceDefinitionCondition | undefined {
  return definition.status.conditions?.find((condition) => condition.type === type)
}

export function isConditionTrue(definition: CustomResourceDefinition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True'
}

export function isTerminating(definition: CustomResourceDefinition): boolean {
  return !!definition.metadata.deletionTimestamp
}

/** The conditions with these in place of those of their types; the time moves with the status only. */
export function withConditions(
  before: readonly CustomResourceDefinitionCondition[] | null,
  wanted: readonly Condition[],
  now: string,
): CustomResourceDefinitionCondition[] {
  const kept = (before ?? []).map((old) => {
    const next = wanted.find(({ type }) => type === old.type)
    return next ? { ...next, lastTransitionTime: next.status === old.status ? old.lastTransitionTime : now } : old
  })
  const added = wanted.filter(({ type }) => !kept.some((each) => each.type === type))
  return [...kept, ...added.map((each) => ({ ...each, lastTransitionTime: now }))]
}
