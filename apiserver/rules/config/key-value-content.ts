import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { sameValue } from '../../registry/same-value.ts'
import { contentKeyProblems } from '../metadata/names.ts'

/** What a ConfigMap or a Secret may hold altogether, so that it fits the store and a pod's memory. */
const CONTENT_LIMIT = 1024 * 1024

interface Content {
  readonly path: string
  readonly entries: Readonly<Record<string, string>> | undefined
  readonly encoding: 'utf8' | 'base64'
}

/** Keys are file names, and the whole is not too big. */
export function* contentProblems(parts: readonly Content[]): Generator<FieldProblem> {
  let size = 0
  let largest = { path: '', size: -1 }
  for (const { path, entries, encoding } of parts) {
    const before = size
    for (const [key, value] of Object.entries(entries ?? {})) {
      for (const problem of contentKeyProblems(key)) yield fieldProblem.invalid(`${path}[${key}]`, key, problem)
      size += Buffer.byteLength(value ?? '', encoding)
    }
    if (size - before > largest.size) largest = { path, size: size - before }
  }
  // Upstream names no field here; whoever is to make something smaller looks at the largest part first.
  if (size > CONTENT_LIMIT) yield fieldProblem.tooLong(largest.path, CONTENT_LIMIT)
}

interface Immutable {
  readonly immutable?: boolean | undefined
}

/** Once immutable, always immutable: neither the mark nor the content may change. */
export function* immutableContentProblems<T extends Immutable>(
  next: T,
  previous: T,
  parts: readonly (keyof T & string)[],
): Generator<FieldProblem> {
  if (!previous.immutable) return
  const detail = 'field is immutable when `immutable` is set'
  if (!next.immutable) yield fieldProblem.forbidden('immutable', detail)
  for (const part of parts) {
    if (!sameValue(next[part] ?? {}, previous[part] ?? {})) yield fieldProblem.forbidden(part, detail)
  }
}
