import { ConfigError } from '../../shared/process/config.ts'
import { nearest } from '../../shared/process/nearest.ts'
import type { SchedulingPlugin } from '../framework.ts'
import { balancedAllocation } from '../plugins/balanced-allocation.ts'
import { imageLocality } from '../plugins/image-locality.ts'
import { interPodAffinity } from '../plugins/inter-pod-affinity.ts'
import { nodeAffinity } from '../plugins/node-affinity.ts'
import { nodeName } from '../plugins/node-name.ts'
import { nodePorts } from '../plugins/node-ports.ts'
import { nodeResourcesFit } from '../plugins/node-resources-fit.ts'
import { nodeUnschedulable } from '../plugins/node-unschedulable.ts'
import { nodeVolumeLimits } from '../plugins/node-volume-limits.ts'
import { schedulingGates } from '../plugins/scheduling-gates.ts'
import { taintToleration } from '../plugins/taint-toleration.ts'
import { topologySpread } from '../plugins/topology-spread.ts'
import { volumeBinding } from '../plugins/volume-binding.ts'
import { volumeRestrictions } from '../plugins/volume-restrictions.ts'
import { volumeZone } from '../plugins/volume-zone.ts'
import type { PluginArgs } from './plugin-args.ts'
import { POINTS, type Point } from './points.ts'

/** A rule and how much its score counts. */
export interface Weighted {
  readonly plugin: SchedulingPlugin
  readonly weight: number
}

/** What of a policy is changed, one after the other. `*` is every rule. */
export interface PolicyChange {
  /** The whole rule, or one thing that it does. */
  readonly point: Point
  readonly name: string
  /** Undefined: it is left out. */
  readonly weight: number | undefined
  /** Where this was asked for. */
  readonly place: string
}

export interface Rules {
  readonly rules: readonly Weighted[]
  /** Whether room is made for who fits nowhere. */
  readonly preempts: boolean
}

/** What is no rule here: making room for who fits nowhere. */
const PREEMPTION = 'DefaultPreemption'
/** Plug-ins of upstream that are not there, or not apart from the rest: to leave them out asks for nothing. */
const ELSEWHERE = new Set([
  'PrioritySort',
  'DefaultBinder',
  'DynamicResources',
  'GangScheduling',
  'DeferredPodScheduling',
  'NodeDeclaredFeatures',
])

/** The policy: rules in the order they are asked (cheap ones first), with upstream's default weights. */
export function defaultProfile(args: PluginArgs = {}): readonly Weighted[] {
  return [
    { plugin: schedulingGates, weight: 0 },
    { plugin: nodeUnschedulable, weight: 0 },
    { plugin: nodeName, weight: 0 },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity(args.NodeAffinity), weight: 2 },
    { plugin: nodePorts, weight: 0 },
    { plugin: nodeResourcesFit(args.NodeResourcesFit), weight: 1 },
    { plugin: volumeRestrictions, weight: 0 },
    { plugin: nodeVolumeLimits, weight: 0 },
    { plugin: volumeBinding, weight: 0 },
    { plugin: volumeZone, weight: 0 },
    { plugin: topologySpread(args.PodTopologySpread), weight: 2 },
    { plugin: interPodAffinity(args.InterPodAffinity), weight: 2 },
    { plugin: balancedAllocation(args.NodeResourcesBalancedAllocation), weight: 1 },
    { plugin: imageLocality, weight: 1 },
  ]
}

interface Share {
  weight: number
  /** What the rule does. */
  readonly does: Set<Point>
}

/** The policy with changes. The order in which rules are asked stays. @throws ConfigError that names the place and the nearest rule */
export function profileOf(changes: readonly PolicyChange[], args: PluginArgs = {}): Rules {
  const all = defaultProfile(args)
  const shares = new Map(all.map(({ plugin, weight }): [string, Share] => [plugin.name, { weight, does: new Set(POINTS) }]))
  shares.set(PREEMPTION, { weight: 0, does: new Set(POINTS) })
  for (const change of changes) for (const share of named(change, shares)) apply(change, share)
  const rules = all.flatMap(({ plugin }): Weighted[] => {
    const { weight = 0, does } = shares.get(plugin.name) ?? { does: new Set() }
    return does.has('multiPoint') ? [{ plugin: narrowed(plugin, weight, does), weight }] : []
  })
  const preemption = shares.get(PREEMPTION)?.does
  return { rules, preempts: preemption?.has('multiPoint') === true && preemption.has('postFilter') }
}

function named({ name, weight, place }: PolicyChange, shares: ReadonlyMap<string, Share>): Iterable<Share> {
  if (name === '*') return shares.values()
  const share = shares.get(name)
  if (share) return [share]
  if (weight === undefined && ELSEWHERE.has(name)) return []
  const guess = nearest(name, [...shares.keys()])
  throw new ConfigError(`${place}: there is no rule ${JSON.stringify(name)}${guess ? `; did you mean ${guess}?` : ''}`)
}

function apply({ point, weight }: PolicyChange, share: Share): void {
  if (weight === undefined) {
    share.does.delete(point)
    return
  }
  // What is enabled at one point is there, at least at that point.
  if (!share.does.has('multiPoint')) share.does.clear()
  for (const each of point === 'multiPoint' ? POINTS : [point, 'multiPoint' as const]) share.does.add(each)
  if (point === 'multiPoint' || point === 'score') share.weight = weight
}

function narrowed(plugin: SchedulingPlugin, weight: number, does: ReadonlySet<Point>): SchedulingPlugin {
  const { score, filter, preFilter, gate, ...rest } = plugin
  return {
    ...rest,
    ...(score && weight > 0 && does.has('score') ? { score } : {}),
    ...(filter && does.has('filter') ? { filter } : {}),
    ...(preFilter && does.has('filter') ? { preFilter } : {}),
    ...(gate && does.has('preEnqueue') ? { gate } : {}),
  }
}

/**
 * Changes as the flag `--plugins` writes them: `Name=5` brings a rule back and weighs its score, `Name=0` leaves only its score out, and `-Name` the
 * whole rule. @throws ConfigError
 */
export function changesOfFlag(texts: readonly string[]): PolicyChange[] {
  return texts.map((text) => {
    const [, minus, name = '', weight] = /^(-?)([^=-]+)(?:=(\d{1,3}))?$/.exec(text) ?? []
    const place = '--plugins'
    if ((minus === '-') === (weight !== undefined)) throw new ConfigError(`${place}: ${text} is neither Name=weight nor -Name`)
    return { point: 'multiPoint', name, weight: minus === '-' ? undefined : Number(weight), place }
  })
}
