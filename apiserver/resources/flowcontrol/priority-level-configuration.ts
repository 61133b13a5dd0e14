import { defineResource } from '../../registry/define-resource.ts'
import { defaultPriorityLevel, priorityLevelProblems } from '../../rules/flowcontrol/priority-level.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('flowcontrol.apiserver.k8s.io/v1', 'PriorityLevelConfiguration', {
  columns: [
    { name: 'Type', description: 'Whether its requests are limited', value: (it) => it.spec.type },
    {
      ...{ name: 'NominalConcurrencyShares', description: 'Its part of the seats' },
      value: ({ spec }) => (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? NONE,
    },
    { name: 'Queues', description: 'Queues of the level', value: ({ spec }) => spec.limited?.limitResponse.queuing?.queues ?? NONE },
    {
      name: 'HandSize',
      description: 'Queues that a flow may use',
      value: ({ spec }) => spec.limited?.limitResponse.queuing?.handSize ?? NONE,
    },
    {
      ...{ name: 'QueueLengthLimit', description: 'Requests that may wait in a queue' },
      value: ({ spec }) => spec.limited?.limitResponse.queuing?.queueLengthLimit ?? NONE,
    },
  ],

  applyDefaults: defaultPriorityLevel,
  validate: priorityLevelProblems,
})
