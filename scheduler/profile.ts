import { ConfigError } from '../shared/process/config.ts'
import { nearest } from '../shared/process/nearest.ts'
import type { SchedulingPlugin } from './framework.ts'
import { balancedAllocation } from './plugins/balanced-allocation.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { topologySpread } from './plugins/topology-spread.ts'
import { volumeBinding } from './plugins/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions.ts'
import { volumeZone } from './plugins/volume-zone.ts'

/** A rule and how much its score counts. */
export interface Weighted {
  readonly plugin: SchedulingPlugin
  readonly weight: number
}

/** The policy: rules in the order they are asked (cheap ones first), with upstream's default weights. */
export function defaultProfile(): readonly Weighted[] {
  return [
    { plugin: schedulingGates, weight: 0 },
    { plugin: nodeUnschedulable, weight: 0 },
    { plugin: nodeName, weight: 0 },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity, weight: 2 },
    { plugin: nodePorts, weight: 0 },
    { plugin: nodeResourcesFit, weight: 1 },
    { plugin: volumeRestrictions, weight: 0 },
    { plugin: nodeVolumeLimits, weight: 0 },
    { plugin: volumeBinding, weight: 0 },
    { plugin: volumeZone, weight: 0 },
    { plugin: topologySpread, weight: 2 },
    { plugin: interPodAffinity, weight: 2 },
    { plugin: balancedAllocation, weight: 1 },
    { plugin: imageLocality, weight: 1 },
  ]
}

/**
 * The policy with changes, one after the other: `Name=5` brings a rule back and weighs its score, `Name=0` leaves only its score out, and
 * `-Name` the whole rule; `*` is every rule. The order in which rules are asked stays.
 * @throws ConfigError that names the nearest rule
 */
export function profileOf(changes: readonly string[]): readonly Weighted[] {
  const all = defaultProfile()
  const weights = new Map(all.map(({ plugin, weight }) => [plugin.name, weight]))
  for (const change of changes) {
    const [, minus, name = '', weight] = /^(-?)([^=-]+)(?:=(\d{1,3}))?$/.exec(change) ?? []
    const names = all.map(({ plugin }) => plugin.name).filter((one) => name === '*' || one === name)
    if (names.length === 0) {
      const guess = nearest(name, [...weights.keys()])
      throw new ConfigError(`--plugins: there is no rule ${JSON.stringify(name || change)}${guess ? `; did you mean ${guess}?` : ''}`)
    }
    if ((minus === '-') === (weight !== undefined)) throw new ConfigError(`--plugins: ${change} is neither Name=weight nor -Name`)
    for (const one of names) weights.set(one, minus === '-' ? LEFT_OUT : Number(weight))
  }
  return all.flatMap(({ plugin }): Weighted[] => {
    const weight = weights.get(plugin.name) ?? LEFT_OUT
    if (weight === LEFT_OUT) return []
    const { score, ...without } = plugin
    return [{ plugin: weight === 0 || !score ? without : plugin, weight }]
  })
}

const LEFT_OUT = -1
