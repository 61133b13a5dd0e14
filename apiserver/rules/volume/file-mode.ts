import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { KeyToPath } from '../../../shared/openapi/generated/core-v1.ts'
import { projectedPathProblems } from './local-path.ts'

/** Keys written as files. */
export function* filesProblems(items: readonly KeyToPath[] | undefined, mode: number | undefined, path: string): Generator<FieldProblem> {
  yield* fileModeProblems(mode, `${path}.defaultMode`)
  for (const [index, item] of (items ?? []).entries()) {
    const at = `${path}.items[${index}]`
    if (!item.key) yield fieldProblem.required(`${at}.key`)
    if (!item.path) yield fieldProblem.required(`${at}.path`)
    else yield* projectedPathProblems(item.path, `${at}.path`)
    yield* fileModeProblems(item.mode, `${at}.mode`)
  }
}

/** Permission bits and nothing else. */
export function* fileModeProblems(mode: number | undefined, path: string): Generator<FieldProblem> {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    yield fieldProblem.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')
  }
}
