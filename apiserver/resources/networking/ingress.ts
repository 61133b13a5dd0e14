import { invalid } from '../../../shared/errors/status-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { classProblems, ingressProblems, ingressStatusProblems } from '../../rules/ingress/ingress.ts'
import { addressCell, hostsCell } from '../../rules/ingress/ingress-cells.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('networking.k8s.io/v1', 'Ingress', {
  shortNames: ['ing'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    { name: 'Class', description: 'Who serves it', value: ({ spec }) => spec.ingressClassName ?? NONE },
    { name: 'Hosts', description: 'Names it answers to', value: ({ spec }) => hostsCell(spec.rules ?? []) },
    { name: 'Address', description: 'Where it is served', value: ({ status }) => addressCell(status) },
    { name: 'Ports', description: 'Ports it is meant for', value: ({ spec }) => (spec.tls?.length ? '80, 443' : '80') },
  ],

  prepareForCreate(ingress) {
    const problems = [...classProblems(ingress)]
    if (problems.length === 0) return
    throw invalid({ group: 'networking.k8s.io', kind: 'Ingress' }, ingress.metadata.name ?? '', [
      ...ingressProblems(ingress.spec),
      ...problems,
    ])
  },
  validate: ({ spec }) => ingressProblems(spec),
  validateStatusUpdate: ({ status }) => ingressStatusProblems(status),
})
