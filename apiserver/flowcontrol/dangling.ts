import type { FlowSchema, FlowSchemaCondition } from '../../shared/openapi/generated/flowcontrol-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'

const TYPE = 'Dangling'

/** The condition that says whether the level of a schema exists; the present one when that has not changed. */
export function danglingOf(schema: FlowSchema, levelExists: boolean, now: number): FlowSchemaCondition {
  const present = schema.status.conditions?.find(({ type }) => type === TYPE)
  const name = JSON.stringify(schema.spec.priorityLevelConfiguration.name)
  const wanted = {
    type: TYPE,
    status: levelExists ? 'False' : 'True',
    reason: levelExists ? 'Found' : 'NotFound',
    message: levelExists
      ? `This FlowSchema references the PriorityLevelConfiguration object named ${name} and it exists`
      : `This FlowSchema references the PriorityLevelConfiguration object named ${name} but there is no such object`,
  }
  if (present?.status === wanted.status && present.message === wanted.message) return present
  return { ...wanted, lastTransitionTime: present?.status === wanted.status ? present.lastTransitionTime : timestamp(now) }
}

/** The conditions with this one in its place. */
export function withCondition(conditions: readonly FlowSchemaCondition[] | undefined, one: FlowSchemaCondition): FlowSchemaCondition[] {
  return [...(conditions ?? []).filter(({ type }) => type !== one.type), one]
}
