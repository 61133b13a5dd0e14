import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { JSONSchemaProps } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { shapeProblems } from '../schema/check-value.ts'
import { pruneValue } from '../schema/prune.ts'
import { shapeOf } from '../schema/shape.ts'
import { placesOf } from './schema-problems.ts'

/** A default must be a value that its place takes as it is. Asked of schemas without other problems. */
export function* defaultProblems(schema: JSONSchemaProps, path: string): Generator<FieldProblem> {
  for (const [place, at] of placesOf(schema, path)) {
    if (place.default === undefined) continue
    if (at === path) {
      yield fieldProblem.forbidden(`${at}.default`, 'must not be set at the root')
      continue
    }
    const shape = shapeOf(place)
    if (at === `${path}.properties[metadata]`) {
      yield fieldProblem.forbidden(`${at}.default`, 'must not be set in top-level metadata')
      continue
    }
    const pruned = structuredClone(place.default)
    pruneValue(pruned, shape)
    if (!sameValue(pruned, place.default)) yield fieldProblem.invalid(`${at}.default`, place.default, 'must not have unknown fields')
    for (const { path: where, message } of shapeProblems(place.default, shape, '')) {
      const problem = fieldProblem.invalid(`${at}.default`, place.default, '')
      yield { ...problem, path: where ? `${at}.default.${where}` : `${at}.default`, message }
    }
  }
}
