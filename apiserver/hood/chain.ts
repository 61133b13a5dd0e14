import type { Deed, Deeds } from './deeds.ts'

/** Deeds of one answer. */
const MOST = 500

/**
 * Everything that has to do with an object, in the order of revisions: what was done to it, what made that happen, back to where it began, and what it
 * led to. At most `MOST`, the newest.
 */
export function chainOf(key: string, deeds: Deeds): { chain: Deed[]; isCut: boolean } {
  const all = deeds.all()
  const effects = effectsIn(all)
  const found = new Map<number, Deed>()
  const followed = new Set<number>()
  for (const deed of all) {
    if (deed.key !== key) continue
    addBack(deed, deeds, found)
    addOn(deed, effects, { found, followed })
  }
  const chain = [...found.values()].sort((a, b) => a.revision - b.revision)
  return { chain: chain.slice(-MOST), isCut: chain.length > MOST }
}

/** What each revision made somebody do. A cause is older than what it caused, whatever was said: so no way goes in circles. */
function effectsIn(all: readonly Deed[]): ReadonlyMap<number, Deed[]> {
  const effects = new Map<number, Deed[]>()
  for (const deed of all) {
    const cause = causeOf(deed)
    if (cause === undefined) continue
    const known = effects.get(cause)
    if (known) known.push(deed)
    else effects.set(cause, [deed])
  }
  return effects
}

function causeOf({ causeRevision, revision }: Deed): number | undefined {
  return causeRevision !== undefined && causeRevision < revision ? causeRevision : undefined
}

function addBack(first: Deed, deeds: Deeds, found: Map<number, Deed>): void {
  for (let deed: Deed | undefined = first; deed && !found.has(deed.revision); ) {
    found.set(deed.revision, deed)
    const cause: number | undefined = causeOf(deed)
    deed = cause === undefined ? undefined : deeds.get(cause)
  }
}

function addOn(
  first: Deed,
  effects: ReadonlyMap<number, Deed[]>,
  { found, followed }: { found: Map<number, Deed>; followed: Set<number> },
): void {
  const open = [first]
  for (let deed = open.pop(); deed; deed = open.pop()) {
    if (followed.has(deed.revision)) continue
    followed.add(deed.revision)
    found.set(deed.revision, deed)
    open.push(...(effects.get(deed.revision) ?? []))
  }
}
