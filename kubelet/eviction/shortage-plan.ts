import type { PressureKind } from '../node/pressure.ts'
import { type Observations, SIGNALS } from './signals.ts'
import type { Threshold } from './thresholds.ts'

/** What is remembered from one look to the next. */
export interface ShortageMemory {
  /** Since when each threshold that is met has been, on a clock that never goes back. */
  since: ReadonlyMap<Threshold, number>
  /** When each sort of pressure was seen last. */
  lastSeen: ReadonlyMap<PressureKind, number>
}

export const NOTHING_SHORT: ShortageMemory = { since: new Map(), lastSeen: new Map() }

export interface Shortages {
  memory: ShortageMemory
  /** What the node says of itself; a sort of pressure stays for a while after it was seen last, so that the node does not waver. */
  pressure: ReadonlySet<PressureKind>
  /** Thresholds that have been met for long enough that pods have to go; those to be dealt with first come first. */
  due: Threshold[]
}

/**
 * One look, purely. A threshold is met below its limit; one that was met before stays so until what is to be reclaimed beyond it is there.
 * @param transition milliseconds without, after which pressure counts as over
 */
export function lookForShortages(
  before: ShortageMemory,
  thresholds: readonly Threshold[],
  observations: Observations,
  now: number,
  transition: number,
): Shortages {
  const since = new Map<Threshold, number>()
  const lastSeen = new Map(before.lastSeen)
  for (const threshold of thresholds) {
    if (!isMet(threshold, observations, before.since.has(threshold))) continue
    since.set(threshold, before.since.get(threshold) ?? now)
    lastSeen.set(SIGNALS[threshold.signal].pressure, now)
  }
  const pressure = new Set<PressureKind>()
  for (const [kind, seen] of lastSeen) if (seen === now || now - seen < transition) pressure.add(kind)
  const due = [...since].filter(([threshold, from]) => now - from >= threshold.graceMilliseconds).map(([threshold]) => threshold)
  return { memory: { since, lastSeen }, pressure, due: due.sort(byUrgency) }
}

export function isMet({ signal, limit, reclaim }: Threshold, observations: Observations, wasMet: boolean): boolean {
  const amount = observations.get(signal)
  if (!amount) return false
  const wanted = limit.of(amount.capacity) + (wasMet && reclaim ? reclaim.of(amount.capacity) : 0)
  return amount.available < wanted
}

const ORDER = Object.keys(SIGNALS)

/** In the order of the signals; of one signal the hard threshold first. */
function byUrgency(one: Threshold, other: Threshold): number {
  return ORDER.indexOf(one.signal) - ORDER.indexOf(other.signal) || Number(other.isHard) - Number(one.isHard)
}
