import type { CopiedKind } from './copy-cluster.ts'

/** The objects of a kind of the release, by its plural. */
export function objectsOf<T>(kinds: readonly CopiedKind[], plural: string): readonly T[] {
  // What a server of the API lists of a kind has that kind's shape.
  return (kinds.find((kind) => kind.plural === plural)?.objects ?? []) as unknown as readonly T[]
}
