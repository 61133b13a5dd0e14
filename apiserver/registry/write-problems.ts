import type { FieldProblem } from '../../shared/errors/field-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { metadataProblems } from './object-metadata.ts'
import type { UpdatePart } from './update-part.ts'
import type { WriteRequest } from './write-request.ts'

/** What is wrong with a new object. */
export function* createProblems({ resource, version }: WriteRequest, object: KubeObject): Generator<FieldProblem> {
  yield* metadataProblems(resource, object, undefined)
  yield* resource.definition.hooks.validate?.(object) ?? []
  yield* resource.definition.hooks.validateCreate?.(object) ?? []
  yield* version?.createProblems?.(object) ?? []
}

/** What is wrong with a change of the part of an object. */
export function* updateProblems(
  part: UpdatePart,
  { resource }: WriteRequest,
  next: KubeObject,
  previous: KubeObject,
): Generator<FieldProblem> {
  const { hooks } = resource.definition
  yield* metadataProblems(resource, next, previous)
  if (part.kind === 'status') yield* hooks.validateStatusUpdate?.(next, previous) ?? []
  else if (part.kind === 'view') yield* hooks.views![part.name]!.validate?.(next, previous) ?? []
  else {
    yield* hooks.validate?.(next) ?? []
    yield* hooks.validateUpdate?.(next, previous) ?? []
  }
}
