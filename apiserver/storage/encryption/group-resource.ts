import { prefixOf } from '../keys.ts'

/** `secrets`, `deployments.apps`; with a star `*.` (the core group), `*.apps`, `*.*`. */
export interface GroupResource {
  readonly group: string
  readonly resource: string
}

/** What stands before the first dot is the resource, what stands after it the group, as upstream. */
export function parseGroupResource(text: string): GroupResource {
  const dot = text.indexOf('.')
  return dot < 0 ? { group: '', resource: text } : { group: text.slice(dot + 1), resource: text.slice(0, dot) }
}

/** How the keys of all that is meant begin; the empty text for everything. */
export function keysOf({ group, resource }: GroupResource): string {
  if (resource !== '*') return prefixOf(group, resource)
  return group === '*' ? '' : prefixOf(group, 'any').slice(0, -'any/'.length)
}
