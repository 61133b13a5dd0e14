import type { Logger } from '../../shared/logging/logger.ts'
import type { Binder } from '../binding.ts'
import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Weighted } from '../policy/profile.ts'
import type { Candidate } from '../preemption/victims.ts'
import type { Extender } from './extender.ts'

export interface AskTools {
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Every change of the cluster may change what others think of it. */
const ANY_CHANGE = [
  'nodeAdded',
  'nodeUpdated',
  'nodeRemoved',
  'podPlaced',
  'podRemoved',
  'podUpdated',
  'namespaceChanged',
  'volumeChanged',
] as const

const NOT_ASKED = 'node(s) came while extenders were asked'

/**
 * Asks each extender in turn about the nodes that all before it left. What they answer becomes rules for this one decision, so that the decision itself is
 * made as every other, on the picture as it is by then.
 * @throws Error of an extender that may not be ignored
 */
export async function askExtenders(
  extenders: readonly Extender[],
  info: PodInfo,
  nodes: readonly NodeInfo[],
  tools: AskTools,
): Promise<Weighted[]> {
  const { pod } = info
  const failed = new Map<string, { reason: string; isFinal: boolean }>()
  let left = nodes
  for (const extender of extenders) {
    if (extender.settings.filterVerb === undefined || left.length === 0) continue
    const asked = left.map(({ node }) => node)
    const found = await unlessIgnorable(extender, tools, () => extender.filter(pod, asked, tools.signal))
    if (!found) continue
    for (const { name } of left) {
      if (found.fitting.has(name)) continue
      failed.set(name, found.failed.get(name) ?? { reason: `node(s) were refused by extender ${extender.name}`, isFinal: false })
    }
    left = left.filter(({ name }) => found.fitting.has(name))
  }
  const points = new Map<string, number>()
  for (const extender of extenders) {
    if (extender.settings.prioritizeVerb === undefined || left.length < 2) continue
    const given = await pointsOf(extender, info, left, tools)
    for (const [name, more] of given) points.set(name, (points.get(name) ?? 0) + more)
  }
  const asked = new Set(nodes.map(({ name }) => name))
  return [
    { plugin: refusing('Extenders', true, ({ name }) => (asked.has(name) ? reasonOf(failed.get(name), false) : NOT_ASKED)), weight: 0 },
    { plugin: refusing('ExtendersForGood', false, ({ name }) => reasonOf(failed.get(name), true)), weight: 0 },
    { plugin: favouring(points), weight: 1 },
  ]
}

/** The candidates that extenders leave. @throws Error of one that may not be ignored */
export async function askAboutVictims(
  extenders: readonly Extender[],
  info: PodInfo,
  candidates: readonly Candidate[],
  tools: AskTools,
): Promise<readonly Candidate[]> {
  let left = candidates
  for (const extender of extenders) {
    if (extender.settings.preemptVerb === undefined || left.length === 0) continue
    const asked = left
    left = (await unlessIgnorable(extender, tools, () => extender.preempt(info.pod, asked, tools.signal))) ?? left
  }
  return left
}

function reasonOf(failure: { reason: string; isFinal: boolean } | undefined, isFinal: boolean): string | undefined {
  return failure?.isFinal === isFinal ? failure.reason : undefined
}

function refusing(name: string, helpedByRemoval: boolean, refusal: (node: NodeInfo) => string | undefined): SchedulingPlugin {
  return { name, helpedByRemoval, freedBy: ANY_CHANGE, filter: () => refusal }
}

function favouring(points: ReadonlyMap<string, number>): SchedulingPlugin {
  return {
    name: 'ExtenderPoints',
    freedBy: [],
    score: () => (candidates, scores) => {
      for (const [index, { name }] of candidates.entries()) scores[index] = points.get(name) ?? 0
    },
  }
}

/** Who gives no points takes nothing away: upstream goes on without. */
async function pointsOf(
  extender: Extender,
  { pod }: PodInfo,
  nodes: readonly NodeInfo[],
  { log, signal }: AskTools,
): Promise<ReadonlyMap<string, number>> {
  try {
    return await extender.prioritize(
      pod,
      nodes.map(({ node }) => node),
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    log.warn('an extender gives no points', { extender: extender.name, error })
    return new Map()
  }
}

async function unlessIgnorable<T>(extender: Extender, { log, signal }: AskTools, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    signal.throwIfAborted()
    if (!extender.settings.ignorable) throw error
    log.warn('an extender is passed over', { extender: extender.name, error })
    return undefined
  }
}

/** Who binds in our place; at most one of all extenders does. */
export function binderOf(extenders: readonly Extender[], tools: AskTools): Binder | undefined {
  const binder = extenders.find(({ settings }) => settings.bindVerb !== undefined)
  if (!binder) return undefined
  const bind = async (info: PodInfo, node: string) => {
    await binder.bind(info, node, tools.signal)
    return true
  }
  return async (info, node) => (await unlessIgnorable(binder, tools, () => bind(info, node))) ?? false
}
