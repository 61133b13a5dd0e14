/** A definition of a kind that tests make things of: a backup that runs by a timetable. */
export function backupDefinition(
  group: string,
  changes: { versions?: object[]; names?: object; scope?: string; conversion?: object } = {},
): object {
  const { versions = [backupVersion('v1')], names = {}, scope = 'Namespaced', conversion } = changes
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `backups.${group}` },
    spec: {
      ...{ group, scope, versions, conversion },
      names: { plural: 'backups', kind: 'Backup', shortNames: ['bk'], categories: ['all'], ...names },
    },
  }
}

/** The schema of its spec; everything that a schema can say is in it somewhere. */
export const backupSpec = {
  type: 'object',
  required: ['timetable'],
  properties: {
    timetable: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
    replicas: { type: 'integer', minimum: 1, maximum: 10, default: 1 },
    kind: { type: 'string', enum: ['full', 'partial'], default: 'full' },
    keep: { 'x-kubernetes-int-or-string': true },
    note: { type: 'string', nullable: true, maxLength: 20 },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    targets: {
      type: 'array',
      maxItems: 5,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, path: { type: 'string', default: '/' }, weight: { type: 'number' } },
      },
    },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    when: { type: 'string', format: 'date-time' },
  },
}

export function backupVersion(name: string, changes: Record<string, unknown> = {}): object {
  return {
    ...{ name, served: true, storage: true },
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: backupSpec,
          status: {
            type: 'object',
            properties: { replicas: { type: 'integer' }, selector: { type: 'string' }, phase: { type: 'string' } },
          },
        },
      },
    },
    subresources: {
      status: {},
      scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
    },
    additionalPrinterColumns: [
      { name: 'Timetable', type: 'string', jsonPath: '.spec.timetable' },
      { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
    selectableFields: [{ jsonPath: '.spec.kind' }],
    ...changes,
  }
}

/** What the smallest definition specifies: a kind of which only the type is known. */
export function smallestDefinition(plural: string, group: string) {
  const kind = `${plural.slice(0, 1).toUpperCase()}${plural.slice(1)}`
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${group}` } },
    spec: { group, scope: 'Cluster', names: { plural, kind }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
  }
}
