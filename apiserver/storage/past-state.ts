import type { Present } from './present.ts'
import type { Reference } from './revision-log.ts'
import type { Change, Entry } from './storage.ts'

/** What a key was in the past: an entry at hand, a place in the log, or undefined for absent. */
export type PastState<F> = { readonly entry: Entry<F> } | { readonly key: string; readonly reference: Reference } | undefined

/** The keys that changed since some revision, each with its state at that revision. */
export type Overlay<F> = ReadonlyMap<string, PastState<F>>

/** Undoes changes that are all in memory. `changes`: every one after the revision, in order. */
export function overlayOf<F>(changes: readonly Change<F>[], prefix: string): Overlay<F> {
  const overlay = new Map<string, PastState<F>>()
  for (const { key, previous } of changes) {
    if (key.startsWith(prefix) && !overlay.has(key)) overlay.set(key, previous === undefined ? undefined : { entry: previous })
  }
  return overlay
}

export interface PastPage<F> {
  readonly states: Exclude<PastState<F>, undefined>[]
  readonly remaining: number
}

/** A page of the past: the present of the prefix with the overlay laid over it, in key order after the key `after`. */
export function pageOfPast<F>(
  present: Present<F>,
  overlay: Overlay<F>,
  prefix: string,
  { after = '', limit }: { after?: string | undefined; limit?: number | undefined },
): PastPage<F> {
  const most = limit === undefined || limit <= 0 ? Number.POSITIVE_INFINITY : limit
  const changed = [...overlay.keys()].filter((key) => key > after).sort()
  const states: Exclude<PastState<F>, undefined>[] = []
  let last = after
  let next = 0
  const take = (key: string, state: PastState<F>) => {
    last = key
    if (state !== undefined) states.push(state)
  }
  for (const entry of present.entries(prefix, after)) {
    for (; next < changed.length && changed[next]! < entry.key && states.length < most; next++)
      take(changed[next]!, overlay.get(changed[next]!))
    if (states.length >= most) break
    if (changed[next] === entry.key) take(entry.key, overlay.get(changed[next++]!))
    else take(entry.key, { entry })
    if (states.length >= most) break
  }
  for (; next < changed.length && states.length < most; next++) take(changed[next]!, overlay.get(changed[next]!))

  let remaining = present.count(prefix, last)
  for (; next < changed.length; next++) {
    const key = changed[next]!
    if (present.get(key) !== undefined) remaining -= 1
    if (overlay.get(key) !== undefined) remaining += 1
  }
  return { states, remaining }
}
