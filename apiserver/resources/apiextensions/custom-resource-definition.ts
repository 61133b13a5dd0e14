import { CLEANUP_FINALIZER, conditionOf, withConditions } from '../../custom-resources/definition/definition-conditions.ts'
import {
  definitionProblems,
  definitionStatusProblems,
  definitionUpdateProblems,
} from '../../custom-resources/definition/definition-problems.ts'
import { defineResource } from '../../registry/define-resource.ts'

/** Kinds that are made of these: `apiserver/custom-resources/`. */
export default defineResource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  columns: [
    { name: 'Name', description: 'Plural and group', value: ({ metadata }) => metadata.name },
    { name: 'Created At', description: 'When it was made', value: ({ metadata }) => metadata.creationTimestamp ?? undefined },
  ],

  applyDefaults({ spec }) {
    const { names } = spec
    names.singular ||= names.kind.toLowerCase()
    if (names.kind) names.listKind ||= `${names.kind}List`
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
  },
  prepareForCreate(definition) {
    const storage = definition.spec.versions.filter((version) => version.storage).map(({ name }) => name)
    definition.status = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: storage }
  },
  prepareForUpdate(next) {
    // Once something may be stored in a version, it stays on the list until somebody has migrated it.
    const stored = next.status.storedVersions ?? []
    const added = next.spec.versions.filter(({ name, storage }) => storage && !stored.includes(name)).map(({ name }) => name)
    if (added.length > 0) next.status.storedVersions = [...stored, ...added]
  },
  validate: definitionProblems,
  validateUpdate: definitionUpdateProblems,
  validateStatusUpdate: definitionStatusProblems,

  /** Its objects go first: see custom-resources/definition/definition-keeper.ts. */
  holdsDeletion: ({ metadata }) => !metadata.deletionTimestamp,
  prepareForDelete(next) {
    const { metadata, status } = next
    if (!metadata.finalizers?.includes(CLEANUP_FINALIZER)) metadata.finalizers = [...(metadata.finalizers ?? []), CLEANUP_FINALIZER]
    if (conditionOf(next, 'Terminating')?.status === 'True') return
    const message = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon'
    const terminating = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending', message }
    status.conditions = withConditions(status.conditions, [terminating], metadata.deletionTimestamp ?? '')
  },
})
