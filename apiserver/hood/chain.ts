import type { Deed, Deeds } from './deeds.ts'

/** Deeds of one answer. */
const MOST = 500

/**
 * Everything that has to do with an object, in the order of revisions: what was done to it, what made that happen, back to where it began, and what it
 * led to. At most `MOST`, the newest.
 */
export function chainOf(key: string, deeds: Deeds): { chain: Deed[]; isCut: boolean } {
  const found = new Map<number, Deed>()
  const followed = new Set<number>()
  for (const revision of deeds.ofKey(key)) {
    addBack(revision, deeds, found)
    addOn(revision, deeds, { found, followed })
  }
  const chain = [...found.values()].sort((a, b) => a.revision - b.revision)
  return { chain: chain.slice(-MOST), isCut: chain.length > MOST }
}

/** A cause is older than what it caused: this ends, whatever was said. */
function addBack(revision: number, deeds: Deeds, found: Map<number, Deed>): void {
  for (let at: number | undefined = revision; at !== undefined; ) {
    const deed = deeds.get(at)
    if (!deed || found.has(at)) return
    found.set(at, deed)
    const cause: number | undefined = deed.causeRevision
    at = cause !== undefined && cause < at ? cause : undefined
  }
}

function addOn(revision: number, deeds: Deeds, { found, followed }: { found: Map<number, Deed>; followed: Set<number> }): void {
  const open = followed.has(revision) ? [] : [revision]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    followed.add(at)
    const deed = deeds.get(at)
    if (deed) found.set(at, deed)
    for (const effect of deeds.effectsOf(at)) if (effect > at && !followed.has(effect)) open.push(effect)
  }
}
