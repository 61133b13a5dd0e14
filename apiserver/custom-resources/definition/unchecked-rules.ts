import type { CustomResourceDefinition } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { placesOf } from './schema-problems.ts'

/** A sentence for each version with rules that nobody checks. */
export function* uncheckedRules({ spec }: CustomResourceDefinition): Generator<string> {
  for (const [index, { schema }] of spec.versions.entries()) {
    const at = `spec.versions[${index}].schema.openAPIV3Schema`
    for (const [place, path] of placesOf(schema?.openAPIV3Schema ?? {}, at)) {
      if (!place['x-kubernetes-validations']?.length) continue
      yield `${path}.x-kubernetes-validations: rules are stored and not checked`
      break
    }
  }
}
