import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import { hasEnded, isReady } from '../pod-state.ts'
import { objectsOf } from './copied-objects.ts'
import type { CopiedKind } from './copy-cluster.ts'

export interface NodeState {
  readonly ready: boolean
  readonly schedulable: boolean
  readonly pods: number
  /** `key=value:effect`. */
  readonly taints: readonly string[]
}

export interface NodeChange {
  readonly name: string
  /** Undefined: it was not there, or is not any more. */
  readonly before: NodeState | undefined
  readonly after: NodeState | undefined
}

export interface Budget {
  readonly name: string
  readonly allowedBefore: number | undefined
  readonly allowed: number
  readonly healthy: number
  readonly desired: number
}

export interface Quota {
  readonly name: string
  readonly resource: string
  readonly usedBefore: string | undefined
  readonly used: string
  readonly hard: string
}

export interface Complaint {
  /** `ReplicaSet shop/web-5d8`. */
  readonly about: string
  readonly reason: string
  readonly message: string
  readonly times: number
}

/** Nodes of which something is different. */
export function nodesOf(before: readonly CopiedKind[], after: readonly CopiedKind[]): NodeChange[] {
  const [old, now] = [nodeStates(before), nodeStates(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])].sort()
  return names
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }))
    .filter((node) => JSON.stringify(node.before) !== JSON.stringify(node.after))
}

function nodeStates(kinds: readonly CopiedKind[]): Map<string, NodeState> {
  const counts = new Map<string, number>()
  for (const pod of objectsOf(kinds, 'pods')) {
    const { nodeName } = pod.spec
    if (nodeName && !hasEnded(pod)) counts.set(nodeName, (counts.get(nodeName) ?? 0) + 1)
  }
  return new Map(
    objectsOf(kinds, 'nodes').map(({ metadata: { name = '' }, spec, status }) => [
      name,
      {
        ready: isReady({ status }),
        schedulable: spec.unschedulable !== true,
        pods: counts.get(name) ?? 0,
        taints: (spec.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`),
      },
    ]),
  )
}

/** Disruption budgets that allow otherwise than before, or nothing. */
export function budgetsOf(before: readonly CopiedKind[], after: readonly CopiedKind[]): Budget[] {
  const old = new Map(budgets(before).map((budget) => [nameOf(budget), budget.status?.disruptionsAllowed]))
  return budgets(after).flatMap((budget) => {
    const { disruptionsAllowed: allowed = 0, currentHealthy: healthy = 0, desiredHealthy: desired = 0 } = budget.status ?? {}
    const allowedBefore = old.get(nameOf(budget))
    if (allowed > 0 && allowed === allowedBefore) return []
    return [{ name: nameOf(budget), allowedBefore, allowed, healthy, desired }]
  })
}

function budgets(kinds: readonly CopiedKind[]): readonly PodDisruptionBudget[] {
  return objectsOf(kinds, 'poddisruptionbudgets.policy')
}

/** Quotas that are used otherwise than before. */
export function quotasOf(before: readonly CopiedKind[], after: readonly CopiedKind[]): Quota[] {
  const old = new Map(objectsOf(before, 'resourcequotas').map((quota) => [nameOf(quota), quota.status?.used ?? {}]))
  return objectsOf(after, 'resourcequotas').flatMap((quota) =>
    Object.entries(quota.status?.hard ?? {}).flatMap(([resource, hard]) => {
      const used = quota.status?.used?.[resource] ?? '0'
      const usedBefore = old.get(nameOf(quota))?.[resource]
      return used === usedBefore ? [] : [{ name: nameOf(quota), resource, usedBefore, used, hard }]
    }),
  )
}

/** How those who write events begin one that stands for many (client-go's EventAggregator). */
const COMBINED = /^\(combined from similar events\): /
/** A controller that tries again and again is refused another pod's name each time: that is one complaint. */
const GENERATED_NAME = /"([a-z0-9.-]{1,253})-[bcdfghjklmnpqrstvwxz2456789]{5}"/g

/** Warnings that were given after a revision, most frequent first. */
export function complaintsOf(kinds: readonly CopiedKind[], since: number): Complaint[] {
  const told = new Map<string, Complaint>()
  for (const event of objectsOf(kinds, 'events')) {
    if (event.type !== 'Warning' || Number(event.metadata.resourceVersion) <= since) continue
    const { kind, namespace, name } = event.involvedObject
    // Pending pods are told with their reasons.
    if (event.reason === 'FailedScheduling') continue
    const about = `${kind} ${namespace ? `${namespace}/` : ''}${name}`
    const [reason, message] = [event.reason ?? '', (event.message ?? '').replace(COMBINED, '')]
    const alike = message.replaceAll(GENERATED_NAME, '"$1-…"')
    const key = JSON.stringify([about, reason, alike])
    const known = told.get(key)
    const times = (event.series?.count ?? event.count ?? 1) + (known?.times ?? 0)
    told.set(key, { about, reason, message: known && known.message !== message ? alike : message, times })
  }
  return [...told.values()].sort((a, b) => b.times - a.times)
}

function nameOf({ metadata }: { metadata: { namespace?: string | undefined; name?: string | undefined } }): string {
  return `${metadata.namespace}/${metadata.name}`
}
