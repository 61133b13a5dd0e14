import type { Kind } from '../cluster/kind.ts'

/** How the core group, which has no name, is called in addresses; and the namespace of what has none. */
const CORE = 'core'
const NONE = '_'

type Names = Pick<Kind, 'group' | 'resource'>

export function kindPlace({ group, resource }: Names, query: Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `/kinds/${group || CORE}/${resource}${text && `?${text}`}`
}

export function objectPlace(
  { group, resource }: Names,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
): string {
  return `/objects/${group || CORE}/${resource}/${namespace ?? NONE}/${encodeURIComponent(name)}`
}

export const groupOf = (part: string | undefined): string => (part === undefined || part === CORE ? '' : part)
export const namespaceOf = (part: string | undefined): string | undefined => (part === NONE ? undefined : part)
