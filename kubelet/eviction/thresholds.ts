import { ConfigError } from '../../shared/process/config.ts'
import { parseDuration } from '../../shared/process/setting.ts'
import { parseQuantity, quantityValue } from '../../shared/quantity/quantity.ts'
import type { Capacity } from '../node/capacity.ts'
import { isSignal, SIGNALS, type Signal } from './signals.ts'

/** An amount as people write it: `100Mi`, `5%`. */
export interface Limit {
  text: string
  of(capacity: number): number
}

/** Below which amount a signal means a shortage. */
export interface Threshold {
  signal: Signal
  limit: Limit
  /** Milliseconds that the shortage must last before pods have to go; 0: at once (a hard threshold). */
  graceMilliseconds: number
  isHard: boolean
  /** What must be there beyond the limit before a shortage that was met counts as over. */
  reclaim?: Limit | undefined
}

export interface ThresholdTexts {
  evictionHard: readonly string[]
  evictionSoft: readonly string[]
  evictionSoftGracePeriod: readonly string[]
  evictionMinimumReclaim: readonly string[]
}

/** What upstream's four settings say together. @throws ConfigError naming the flag */
export function thresholdsOf({ evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim }: ThresholdTexts): Threshold[] {
  const graces = read('eviction-soft-grace-period', '=', evictionSoftGracePeriod, parseDuration)
  const reclaims = read('eviction-minimum-reclaim', '=', evictionMinimumReclaim, limitOf)
  const hard = read('eviction-hard', '<', evictionHard, limitOf)
  const soft = read('eviction-soft', '<', evictionSoft, limitOf)
  for (const signal of soft.keys())
    if (!graces.has(signal)) throw new ConfigError(`--eviction-soft-grace-period: there is none for ${signal}, which --eviction-soft names`)
  const made =
    (isHard: boolean) =>
    ([signal, limit]: [Signal, Limit]): Threshold => ({
      ...{ signal, limit, isHard, reclaim: reclaims.get(signal) },
      graceMilliseconds: isHard ? 0 : (graces.get(signal) ?? 0),
    })
  return [...[...hard].map(made(true)), ...[...soft].map(made(false))]
}

/** Where the kernel holds all pods together, what is hard for the machine is hard for them, too: they go before it ends one of them. Upstream's rule. */
export function alsoOfPods(thresholds: readonly Threshold[]): Threshold[] {
  const isSaid = thresholds.some(({ signal, isHard }) => signal === 'allocatableMemory.available' && isHard)
  const same = thresholds.filter(({ signal, isHard }) => signal === 'memory.available' && isHard && !isSaid)
  return [...thresholds, ...same.map((one): Threshold => ({ ...one, signal: 'allocatableMemory.available' }))]
}

/** What pods never get because they would have to go: where a hard threshold of the machine is. In bytes; upstream's rule for allocatable amounts. */
export function neverGiven(thresholds: readonly Threshold[], capacity: Pick<Capacity, 'memoryBytes' | 'storageBytes'>) {
  const below = (signal: Signal, all: number) =>
    Math.max(0, ...thresholds.flatMap((one) => (one.isHard && one.signal === signal ? [one.limit.of(all)] : [])))
  return {
    memoryBytes: below('memory.available', capacity.memoryBytes),
    storageBytes: below('nodefs.available', capacity.storageBytes),
  }
}

function read<T>(flag: string, sign: '<' | '=', texts: readonly string[], parse: (text: string) => T): Map<Signal, T> {
  const found = new Map<Signal, T>()
  for (const text of texts) {
    const at = text.indexOf(sign)
    const name = text.slice(0, at).trim()
    if (at <= 0) throw new ConfigError(`--${flag}: ${JSON.stringify(text)} is not signal${sign}amount`)
    if (!isSignal(name)) throw new ConfigError(`--${flag}: ${JSON.stringify(name)} is none of ${Object.keys(SIGNALS).join(', ')}`)
    if (found.has(name)) throw new ConfigError(`--${flag}: ${name} is there twice`)
    try {
      found.set(name, parse(text.slice(at + 1).trim()))
    } catch (error) {
      throw new ConfigError(`--${flag}: ${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return found
}

function limitOf(text: string): Limit {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent !== undefined) {
    const share = Number(percent) / 100
    if (share > 1) throw new Error(`${text} is more than all there is`)
    return { text, of: (capacity) => Math.floor(capacity * share) }
  }
  const value = quantityValue(parseQuantity(text))
  if (value < 0) throw new Error(`${text} is less than nothing`)
  return { text, of: () => value }
}
