import { isDefaultIngressClass } from '../../../shared/ingress/ingress-class.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { ingressClassProblems, parametersCell } from '../../rules/ingress/ingress-class.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'

export default defineResource('networking.k8s.io/v1', 'IngressClass', {
  generation: true,
  columns: [
    {
      name: 'Name',
      description: 'Unique within the cluster',
      value: (it) => `${it.metadata.name ?? ''}${isDefaultIngressClass(it) ? ' (default)' : ''}`,
    },
    { name: 'Controller', description: 'Who serves Ingresses of this class', value: ({ spec }) => spec.controller ?? '' },
    { name: 'Parameters', description: 'Where that one finds more settings', value: ({ spec }) => parametersCell(spec.parameters) },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],

  applyDefaults({ spec }) {
    if (spec.parameters) spec.parameters.scope ??= 'Cluster'
  },
  validate: ({ spec }) => ingressClassProblems(spec),
  *validateUpdate(next, previous) {
    yield* immutableProblem('spec.controller', next.spec.controller, previous.spec.controller)
  },
})
