import { own } from '../../shared/objects/own.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseQuantity, quantityMilliValue } from '../../shared/quantity/quantity.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { isReady } from '../pods/pod-facts.ts'

/** What one pod was measured with; thousandths, so that cores count in millicores. */
export interface PodFigure {
  readonly milli: number
  /** End of the measured window and its length, milliseconds. */
  readonly at: number
  readonly window: number
}

/** By pod name. */
export type PodFigures = ReadonlyMap<string, PodFigure>

/** How far usage may be from its target without a step, as parts of the target. */
export interface Tolerances {
  readonly up: number
  readonly down: number
}

export interface UsageContext {
  /** The pods behind the selector. */
  readonly pods: readonly Pod[]
  readonly figures: PodFigures
  readonly currentReplicas: number
  readonly tolerances: Tolerances
  /** Only CPU is distrusted while a pod starts. */
  readonly isCpu: boolean
  readonly cpuInitializationPeriod: number
  readonly initialReadinessDelay: number
  readonly now: number
}

/** Why no number can be computed; the sentence that the condition shows. */
export class UsageUnknown extends Error {}

/** Counts pods as upstream's replica calculator does: those that count, those that start, and those that nothing is known of. */
export function sortPods(context: UsageContext): { ready: number; unready: string[]; missing: string[]; ignored: string[] } {
  const sorted = { ready: 0, unready: [] as string[], missing: [] as string[], ignored: [] as string[] }
  for (const pod of context.pods) {
    const { name = '', deletionTimestamp } = pod.metadata
    const figure = context.figures.get(name)
    if (deletionTimestamp !== undefined || pod.status.phase === 'Failed') sorted.ignored.push(name)
    else if (pod.status.phase === 'Pending') sorted.unready.push(name)
    else if (!figure) sorted.missing.push(name)
    else if (context.isCpu && isStarting(pod, figure, context)) sorted.unready.push(name)
    else sorted.ready++
  }
  return sorted
}

/** Its CPU says more about its start than about its work. */
function isStarting(pod: Pod, figure: PodFigure, { cpuInitializationPeriod, initialReadinessDelay, now }: UsageContext): boolean {
  const condition = pod.status.conditions?.find(({ type }) => type === 'Ready')
  const began = parseTimestamp(pod.status.startTime ?? undefined)
  const changed = parseTimestamp(condition?.lastTransitionTime ?? undefined) ?? 0
  if (!condition || began === undefined) return true
  if (began + cpuInitializationPeriod > now) return condition.status === 'False' || figure.at < changed + figure.window
  return condition.status === 'False' && began + initialReadinessDelay > changed
}

export interface UsageAnswer {
  readonly replicas: number
  /** Percent of the requests. */
  readonly utilization?: number
  /** Thousandths, for the average pod. */
  readonly average: number
}

/** The size at which the average pod uses `target` percent of what it asks for. @throws UsageUnknown */
export function replicasForUtilization(context: UsageContext, target: number, requests: ReadonlyMap<string, number>): UsageAnswer {
  const ratioOf = (figures: PodFigures) => utilizationOf(figures, requests, target)
  const fallback = (pod: string) => Math.floor(((requests.get(pod) ?? 0) * Math.max(100, target)) / 100)
  return replicasFor(context, ratioOf, fallback)
}

/** The size at which the average pod has `target` thousandths. @throws UsageUnknown */
export function replicasForAverage(context: UsageContext, target: number): UsageAnswer {
  const ratioOf = (figures: PodFigures) => {
    const sum = [...figures.values()].reduce((total, { milli }) => total + milli, 0)
    const average = Math.trunc(sum / figures.size)
    return { ratio: average / target, average }
  }
  return replicasFor(context, ratioOf, () => target)
}

interface Ratio {
  readonly ratio: number
  readonly utilization?: number
  readonly average: number
}

function replicasFor(context: UsageContext, ratioOf: (figures: PodFigures) => Ratio, ofMissing: (pod: string) => number): UsageAnswer {
  const { pods, currentReplicas, tolerances, now } = context
  if (pods.length === 0) throw new UsageUnknown('no pods returned by selector while calculating replica count')
  const { ready, unready, missing, ignored } = sortPods(context)
  const figures = new Map([...context.figures].filter(([pod]) => !unready.includes(pod) && !ignored.includes(pod)))
  if (figures.size === 0) throw new UsageUnknown('did not receive metrics for targeted pods (pods might be unready)')
  const first = ratioOf(figures)
  const { ratio } = first
  const said = { average: first.average, ...(first.utilization === undefined ? {} : { utilization: first.utilization }) }
  const countsUnready = unready.length > 0 && ratio > 1
  if (!countsUnready && missing.length === 0) {
    return { ...said, replicas: isWithin(ratio, tolerances) ? currentReplicas : Math.ceil(exact(ratio * ready)) }
  }
  const assume = (names: readonly string[], milli: (pod: string) => number) => {
    for (const name of names) figures.set(name, { milli: milli(name), at: now, window: 0 })
  }
  // Nobody is scaled up by pods that nothing is known of, nor down.
  if (ratio < 1) assume(missing, ofMissing)
  else if (ratio > 1) assume(missing, () => 0)
  if (countsUnready) assume(unready, () => 0)
  const second = ratioOf(figures).ratio
  const turned = (ratio < 1 && second > 1) || (ratio > 1 && second < 1)
  if (isWithin(second, tolerances) || turned) return { ...said, replicas: currentReplicas }
  const replicas = Math.ceil(exact(second * figures.size))
  const overshoots = (second < 1 && replicas > currentReplicas) || (second > 1 && replicas < currentReplicas)
  return { ...said, replicas: overshoots ? currentReplicas : replicas }
}

/** The size for one number that all pods share (a queue's length): in proportion to how far it is from its target. @throws UsageUnknown */
export function replicasForValue(
  context: Pick<UsageContext, 'pods' | 'currentReplicas' | 'tolerances'>,
  milli: number,
  target: number,
): number {
  const { pods, currentReplicas, tolerances } = context
  const ratio = milli / target
  // From zero there are no pods to multiply.
  if (currentReplicas === 0) return Math.ceil(ratio)
  if (isWithin(ratio, tolerances)) return currentReplicas
  if (pods.length === 0)
    throw new UsageUnknown('unable to calculate ready pods: no pods returned by selector while calculating replica count')
  return Math.ceil(exact(ratio * pods.filter((pod) => pod.status.phase === 'Running' && isReady(pod)).length))
}

/** The size for such a number divided among pods. `statusReplicas` are the pods there are. */
export function replicasForShare(
  { statusReplicas, tolerances }: { statusReplicas: number; tolerances: Tolerances },
  milli: number,
  target: number,
): { replicas: number; average: number } {
  const ratio = milli / (target * statusReplicas)
  const replicas = isWithin(ratio, tolerances) ? statusReplicas : Math.ceil(milli / target)
  return { replicas, average: statusReplicas === 0 ? 0 : Math.ceil(milli / statusReplicas) }
}

export function isWithin(ratio: number, { up, down }: Tolerances): boolean {
  return exact(1 - down) <= exact(ratio) && exact(ratio) <= exact(1 + up)
}

/** 1.1 × 10 is 11, and not a pod more for the last bit of a fraction. */
function exact(value: number): number {
  return Math.round(value * 1e9) / 1e9
}

function utilizationOf(figures: PodFigures, requests: ReadonlyMap<string, number>, target: number): Ratio {
  let used = 0
  let asked = 0
  let pods = 0
  for (const [pod, { milli }] of figures) {
    const request = requests.get(pod)
    // Measured a moment ago and gone since.
    if (request === undefined) continue
    used += milli
    asked += request
    pods++
  }
  if (asked === 0) throw new UsageUnknown('no metrics returned matched known pods')
  const utilization = Math.trunc((used * 100) / asked)
  return { ratio: utilization / target, utilization, average: Math.trunc(used / pods) }
}

/**
 * What pods ask for, thousandths by pod name: sidecars included; the whole pod's own figure where it has one; one container's where it is named.
 * @throws UsageUnknown when something asks for nothing: there is no percentage of that
 */
export function requestsOf(pods: readonly Pod[], resource: string, container = ''): Map<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name ?? '', requestOf(pod, resource, container)]))
}

function requestOf({ metadata, spec }: Pod, resource: string, only: string): number {
  const whole = own(spec.resources?.requests, resource)
  if (only === '' && whole !== undefined) return quantityMilliValue(parseQuantity(whole))
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  let sum = 0
  for (const { name, resources } of [...spec.containers, ...sidecars]) {
    if (only !== '' && only !== name) continue
    const request = own(resources.requests, resource)
    if (request === undefined) throw new UsageUnknown(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`)
    sum += quantityMilliValue(parseQuantity(request))
  }
  return sum
}
