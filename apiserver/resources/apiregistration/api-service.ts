import { timestamp } from '../../../shared/time/timestamp.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { apiServiceProblems, apiServiceStatusProblems, availableCell, localCondition } from '../../rules/apiregistration/api-service.ts'
import { pathSegmentRule } from '../../rules/metadata/names.ts'

const HTTPS = 443

/** How they are kept and served: `apiserver/aggregation/`. */
export default defineResource('apiregistration.k8s.io/v1', 'APIService', {
  categories: ['api-extensions'],
  generation: false,
  columns: [
    {
      name: 'Service',
      description: 'The Service that serves it; Local: this server',
      value: ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
    },
    { name: 'Available', description: 'Whether it is, and if not, why', value: availableCell },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  // `v1.` is the core group.
  validateName: pathSegmentRule,
  applyDefaults({ spec }) {
    if (spec.service) spec.service.port ??= HTTPS
  },
  prepareForCreate(service, { clock }) {
    if (!service.spec.service) service.status = { conditions: [localCondition(timestamp(clock.now()))] }
  },
  validate: apiServiceProblems,
  validateStatusUpdate: (next) => apiServiceStatusProblems(next.status),
})
