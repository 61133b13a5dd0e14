import { defineResource } from '../../registry/define-resource.ts'

/**
 * There are none yet, and none can be made. The empty list is served because kubectl looks for a kind that it does not find among
 * them, and can say "no matches for kind" only when it could read it.
 */
export default defineResource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  verbs: ['get', 'list', 'watch'],
  columns: [
    { name: 'Name', description: 'Plural and group', value: ({ metadata }) => metadata.name },
    { name: 'Created At', description: 'When it was made', value: ({ metadata }) => metadata.creationTimestamp ?? undefined },
  ],
})
