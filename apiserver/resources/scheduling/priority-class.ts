import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type { PriorityClass } from '../../../shared/openapi/generated/scheduling-v1.ts'
import { defineResource, type HookContext } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'

/** People's classes stay below; the system's own are above. */
const HIGHEST_USER_PRIORITY = 1_000_000_000
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

export default defineResource('scheduling.k8s.io/v1', 'PriorityClass', {
  shortNames: ['pc'],
  generation: true,
  columns: [
    { name: 'Value', type: 'integer', description: 'The priority that pods of this class get', value: (priority) => priority.value },
    { name: 'Global-Default', type: 'boolean', description: 'Pods without a class get this one', value: (it) => it.globalDefault ?? false },
    { name: 'Age', type: 'date', value: (priority) => priority.metadata.creationTimestamp },
    { name: 'PreemptionPolicy', description: 'Whether pods of this class may displace others', value: (it) => it.preemptionPolicy },
  ],

  applyDefaults(priority) {
    priority.preemptionPolicy ||= 'PreemptLowerPriority'
  },
  *validate(priority) {
    const name = priority.metadata.name ?? ''
    if (name.startsWith('system-')) {
      if (systemClasses[name] !== priority.value) {
        const names = Object.keys(systemClasses).join(', ')
        const detail = `priority class names with 'system-' prefix are reserved for system use only. error: must be one of the known system priority classes (${names}) with its value`
        yield fieldProblem.forbidden('metadata.name', detail)
      }
    } else if (priority.value > HIGHEST_USER_PRIORITY) {
      const detail = `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`
      yield fieldProblem.forbidden('value', detail)
    }
    if (!['PreemptLowerPriority', 'Never'].includes(priority.preemptionPolicy ?? '')) {
      yield fieldProblem.notSupported('preemptionPolicy', priority.preemptionPolicy, ['Never', 'PreemptLowerPriority'])
    }
  },
  *validateUpdate(next, previous) {
    if (next.value !== previous.value) yield fieldProblem.forbidden('value', 'may not be changed in an update.')
    yield* immutableProblem('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy)
  },
  prepareForCreate: refuseSecondDefault,
  prepareForUpdate: (next, _previous, context) => refuseSecondDefault(next, context),
})

/** Two defaults would leave the priority of a pod to chance. */
function refuseSecondDefault(next: PriorityClass, { reader }: HookContext): void {
  if (!next.globalDefault) return
  const other = reader
    .list('scheduling.k8s.io/v1', 'PriorityClass')
    .find((each) => each.globalDefault && each.metadata.name !== next.metadata.name)
  if (!other) return
  const name = next.metadata.name ?? ''
  const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`
  throw new StatusError('Forbidden', `priorityclasses.scheduling.k8s.io ${JSON.stringify(name)} is forbidden: ${why}`, {
    details: { name, group: 'scheduling.k8s.io', kind: 'priorityclasses' },
  })
}
