import type { FlowSchema } from '../../../shared/openapi/generated/flowcontrol-v1.ts'
import { danglingOf, withCondition } from '../../flowcontrol/dangling.ts'
import { defineResource, type HookContext } from '../../registry/define-resource.ts'
import { flowSchemaProblems } from '../../rules/flowcontrol/flow-schema.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', {
  columns: [
    { name: 'PriorityLevel', description: 'The level of its requests', value: (it) => it.spec.priorityLevelConfiguration.name },
    { name: 'MatchingPrecedence', type: 'integer', description: 'Lower is asked first', value: (it) => it.spec.matchingPrecedence },
    { name: 'DistinguisherMethod', description: 'What makes a flow', value: (it) => it.spec.distinguisherMethod?.type ?? NONE },
    { name: 'MissingPL', description: 'Whether the level does not exist', value: missingCell },
  ],

  applyDefaults({ spec }) {
    spec.matchingPrecedence ||= 1_000
  },
  prepareForCreate: sayWhetherItDangles,
  prepareForUpdate: (next, _previous, context) => sayWhetherItDangles(next, context),
  validate: flowSchemaProblems,
})

function missingCell({ status }: FlowSchema): string {
  return status.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?'
}

/** Said at once, so that nobody has to wait for whoever keeps it true afterwards. */
function sayWhetherItDangles(schema: FlowSchema, { reader, clock }: HookContext): void {
  const { name } = schema.spec.priorityLevelConfiguration
  // The name may still be none: validation comes after this.
  const levels = reader.list('flowcontrol.apiserver.k8s.io/v1', 'PriorityLevelConfiguration')
  const exists = levels.some(({ metadata }) => metadata.name === name)
  schema.status.conditions = withCondition(schema.status.conditions, danglingOf(schema, exists, clock.now()))
}
