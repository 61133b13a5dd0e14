import type { DaemonSet } from '../../../shared/openapi/generated/apps-v1.ts'
import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { sameValue } from '../../registry/same-value.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { labelCell, selectorCell } from '../../rules/table-cells.ts'
import { daemonSetProblems, daemonSetStatusProblems } from '../../rules/workload/daemon-set.ts'
import { templateColumns } from '../../rules/workload/template-columns.ts'

/** How often the template was changed: a field of earlier versions of the kind, which this one carries as an annotation nobody else may set. */
const GENERATION = 'deprecated.daemonset.template.generation'

export default defineResource('apps/v1', 'DaemonSet', {
  shortNames: ['ds'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    {
      name: 'Desired',
      type: 'integer',
      description: 'Nodes that should have a pod',
      value: ({ status }) => status.desiredNumberScheduled,
    },
    {
      name: 'Current',
      type: 'integer',
      description: 'Nodes of these that have one',
      value: ({ status }) => status.currentNumberScheduled,
    },
    { name: 'Ready', type: 'integer', description: 'Nodes of these with a ready one', value: ({ status }) => status.numberReady },
    {
      name: 'Up-to-date',
      type: 'integer',
      description: 'Nodes with a pod of the newest template',
      value: ({ status }) => status.updatedNumberScheduled ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      description: 'Nodes with a pod ready for long enough',
      value: ({ status }) => status.numberAvailable ?? 0,
    },
    { name: 'Node Selector', description: 'Labels that nodes must have', value: ({ spec }) => labelCell(spec.template.spec.nodeSelector) },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    ...templateColumns<DaemonSet>(
      ({ spec }) => spec.template,
      ({ spec }) => selectorCell(spec.selector),
    ),
  ],

  applyDefaults({ spec }) {
    spec.updateStrategy.type ||= 'RollingUpdate'
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {}
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0
    }
    spec.revisionHistoryLimit ??= 10
    defaultPodSpec(spec.template.spec)
  },
  prepareForCreate: (set) => count(set, 1),
  prepareForUpdate(next, previous) {
    const before = countOf(previous)
    count(next, sameValue(next.spec.template, previous.spec.template) ? before : before + 1)
  },
  prepareForStatusUpdate: (next, previous) => count(next, countOf(previous)),
  validate: ({ spec }) => daemonSetProblems(spec),
  warnings: ({ spec }) => podSpecWarnings(spec.template.spec, 'spec.template.spec'),
  *validateUpdate(next, previous) {
    yield* immutableProblem('spec.selector', next.spec.selector, previous.spec.selector)
  },
  validateStatusUpdate: (next, previous) => daemonSetStatusProblems(next.status, previous.status),
})

function count({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [GENERATION]: String(generation) }
}

function countOf({ metadata }: DaemonSet): number {
  return Number(metadata.annotations?.[GENERATION] ?? 1)
}
