import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceDefinitionVersion } from '../../shared/openapi/generated/apiextensions-v1.ts'
import { parseJsonPath, valuesAt } from './json-path.ts'

/** `.spec.color` is selected by as `spec.color`. */
export function fieldName(jsonPath: string): string {
  return jsonPath.replace(/^\./, '')
}

/** The text of the field of an object; empty where there is none. */
export function textAt(jsonPath: string): (object: KubeObject) => string {
  const path = parseJsonPath(jsonPath)
  return (object) => {
    const [found] = valuesAt(path, object)
    return found === undefined || found === null || typeof found === 'object' ? '' : String(found)
  }
}

/** All fields by which any version of a definition is selected, by name. */
export function selectablePaths(versions: readonly CustomResourceDefinitionVersion[]): ReadonlyMap<string, (object: KubeObject) => string> {
  const paths = versions.flatMap(({ selectableFields = [] }) => selectableFields.map(({ jsonPath }) => jsonPath))
  return new Map(paths.map((path) => [fieldName(path), textAt(path)]))
}
