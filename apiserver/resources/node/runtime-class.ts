import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { sameValue } from '../../registry/same-value.ts'
import { requirementsProblems } from '../../rules/container/resource-requirements.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { labelsProblems } from '../../rules/metadata/labels.ts'
import { dnsLabelProblems } from '../../rules/metadata/names.ts'
import { tolerationsProblems } from '../../rules/pod/tolerations.ts'

export default defineResource('node.k8s.io/v1', 'RuntimeClass', {
  columns: [
    { name: 'Handler', description: 'What the container runtime calls it', value: ({ handler }) => handler },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  *validate({ handler, overhead, scheduling }) {
    for (const problem of dnsLabelProblems(handler)) yield fieldProblem.invalid('handler', handler, problem)
    if (overhead) yield* requirementsProblems({ limits: overhead.podFixed }, 'overhead.podFixed')
    if (!scheduling) return
    yield* labelsProblems(scheduling.nodeSelector, 'scheduling.nodeSelector')
    const tolerations = scheduling.tolerations ?? []
    yield* tolerationsProblems(tolerations, 'scheduling.tolerations')
    for (const [index, each] of tolerations.entries()) {
      if (tolerations.slice(0, index).some((other) => sameValue(other, each))) {
        yield fieldProblem.duplicate(`scheduling.tolerations[${index}]`, each)
      }
    }
  },
  *validateUpdate(next, previous) {
    yield* immutableProblem('handler', next.handler, previous.handler)
  },
})
