import { showDuration } from '../../shared/process/setting.ts'
import type { Forecast } from './forecast.ts'
import type { PendingPod, PlacedPod, PodCounts, Workload } from './placements.ts'
import type { NodeState } from './surroundings.ts'

/** Pods of one workload that are named one by one. */
const NAMED_PODS = 10

/** A forecast for people. */
export function forecastText(forecast: Forecast): string {
  const { moment, passedSeconds, done } = forecast
  const heading = [
    `What if, from revision ${moment.revision} of ${moment.time}, ${showDuration(Math.round(passedSeconds) * 1000)} later`,
    ...done.map((what) => `  after: ${what}`),
    '',
  ]
  const parts = [
    section('Workloads', forecast.workloads.flatMap(workloadLines)),
    section('Pending', pendingLines(forecast.pending)),
    section(
      'Nodes',
      forecast.nodes.map(({ name, before, after }) => `${name}: ${nodeText(before)} → ${nodeText(after)}`),
    ),
    section(
      'Disruption budgets',
      forecast.budgets.map(({ name, allowed, allowedBefore, healthy, desired }) => {
        const before = allowedBefore === undefined ? '' : ` (before: ${allowedBefore})`
        return `${name} allows ${allowed}${before}: ${healthy} healthy, ${desired} needed`
      }),
    ),
    section(
      'Quotas',
      forecast.quotas.map(({ name, resource, used, usedBefore, hard }) => `${name} ${resource}: ${usedBefore ?? 0} → ${used} of ${hard}`),
    ),
    section(
      'Warnings',
      forecast.complaints.map(
        ({ about, reason, message, times }) => `${about}: ${reason}: ${message}${times > 1 ? ` (${times} times)` : ''}`,
      ),
    ),
    section('Made', forecast.created),
    section('Removed', forecast.deleted),
  ].flat()
  const nothing = parts.length === 0 ? ['Nothing is different.', ''] : []
  return [
    ...heading,
    ...parts,
    ...nothing,
    ...section('Taken to be so', forecast.assumptions),
    ...section('Not as in the live cluster', forecast.changed),
    ...section('Left out', forecast.leftOut),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), '']
}

function workloadLines({ owner, before, after, gone, placed }: Workload): string[] {
  return [
    `${owner}: ${countsText(before)} → ${countsText(after)}`,
    ...podLines('gone from', gone, ({ name, ending }) => `${name}${ending ? ' (its node does not confirm it)' : ''}`),
    ...podLines('placed on', placed, ({ name }) => name),
  ]
}

function countsText({ pods, ready, nodes }: PodCounts): string {
  const where = Object.entries(nodes).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${pods} pods, ${ready} ready${where.length > 0 ? ` (${where.map(([node, count]) => `${node} ${count}`).join(', ')})` : ''}`
}

function podLines(what: string, pods: readonly PlacedPod[], show: (pod: PlacedPod) => string): string[] {
  const byNode = Map.groupBy(pods, ({ node }) => node || 'no node')
  return [...byNode].map(([node, here]) => {
    const names = here.slice(0, NAMED_PODS).map(show).join(', ')
    return `  ${what} ${node}: ${names}${here.length > NAMED_PODS ? ` and ${here.length - NAMED_PODS} more` : ''}`
  })
}

function pendingLines(pending: readonly PendingPod[]): string[] {
  const alike = Map.groupBy(pending, ({ owner, why }) => `${owner}: ${why}`)
  return [...alike].map(([said, pods]) => `${pods.length} of ${said}`)
}

function nodeText(node: NodeState | undefined): string {
  if (!node) return 'not there'
  const words = [node.ready ? 'ready' : 'not ready', ...(node.schedulable ? [] : ['cordoned']), `${node.pods} pods`, ...node.taints]
  return words.join(', ')
}
