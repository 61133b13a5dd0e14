/** A kind of objects, as discovery describes it. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** The plural in paths. */
  readonly resource: string
  readonly kind: string
  readonly isNamespaced: boolean
  readonly shortNames: readonly string[]
  readonly subresources: readonly string[]
}

/** The path of a kind's objects, of all namespaces where none is named. */
export function listPath({ group, version, resource }: Pick<Kind, 'group' | 'version' | 'resource'>, namespace?: string): string {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  return `${base}${namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${resource}`
}

export function objectPath(kind: Pick<Kind, 'group' | 'version' | 'resource'>, namespace: string | undefined, name: string): string {
  return `${listPath(kind, namespace)}/${encodeURIComponent(name)}`
}
