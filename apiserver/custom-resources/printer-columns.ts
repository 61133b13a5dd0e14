import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceColumnDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import type { Column } from '../registry/define-resource.ts'
import { parseJsonPath, valuesAt } from './json-path.ts'

const NAME: Column<KubeObject> = {
  name: 'Name',
  description: 'Unique within the namespace (or the cluster).',
  value: ({ metadata }) => metadata.name,
}
const AGE: Column<KubeObject> = {
  name: 'Age',
  type: 'date',
  description: 'Time since creation.',
  value: ({ metadata }) => metadata.creationTimestamp ?? undefined,
}

/** What `kubectl get` prints of a custom resource: the name, and the columns of its definition, or its age where that has none. */
export function printerColumns(defined: readonly CustomResourceColumnDefinition[] | undefined): readonly Column<KubeObject>[] {
  if (!defined || defined.length === 0) return [NAME, AGE]
  return [NAME, ...defined.map(columnOf)]
}

function columnOf({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column<KubeObject> {
  const path = parseJsonPath(jsonPath)
  return {
    name,
    type: type as Column<KubeObject>['type'],
    format,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0,
    value: (object) => cellOf(type, valuesAt(path, object)[0]),
  }
}

/** A value of another type than the column's is not shown. */
function cellOf(type: string, value: unknown): string | number | bigint | boolean | null {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'string':
      return typeof value === 'object' ? writeExactJson(value) : String(value)
    case 'date':
      return typeof value === 'string' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? value : null
    default:
      return typeof value === 'number' || typeof value === 'bigint' ? value : null
  }
}
