import { showDuration } from '../../shared/process/setting.ts'
import type { Forecast } from './forecast.ts'
import type { PendingPod, PlacedPod, PodCounts, Workload } from './placements.ts'
import type { Complaint, NodeState } from './surroundings.ts'

/** Things that are alike and are named one by one. */
const NAMED = 10

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
    section('Warnings', complaintLines(forecast.complaints)),
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
  return `${podsText(pods)}, ${ready} ready${where.length > 0 ? ` (${where.map(([node, count]) => `${node} ${count}`).join(', ')})` : ''}`
}

function podsText(count: number): string {
  return count === 1 ? '1 pod' : `${count} pods`
}

function podLines(what: string, pods: readonly PlacedPod[], show: (pod: PlacedPod) => string): string[] {
  const byNode = Map.groupBy(pods, ({ node }) => node || 'no node')
  return [...byNode].map(([node, here]) => {
    return `  ${what} ${node}: ${namesText(here.map(show))}`
  })
}

function namesText(names: readonly string[]): string {
  return `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}`
}

/** What is said of many, as of the pods of a node that died, is said once. */
function complaintLines(complaints: readonly Complaint[]): string[] {
  const alike = Map.groupBy(complaints, ({ reason, message }) => `${reason}: ${message}`)
  return [...alike].map(([said, all]) => {
    const times = all.reduce((sum, complaint) => sum + complaint.times, 0)
    return `${namesText(all.map(({ about }) => about))}: ${said}${times > all.length ? ` (${times} times)` : ''}`
  })
}

function pendingLines(pending: readonly PendingPod[]): string[] {
  const alike = Map.groupBy(pending, ({ owner, why }) => `${owner}: ${why}`)
  return [...alike].map(([said, pods]) => `${pods.length} of ${said}`)
}

function nodeText(node: NodeState | undefined): string {
  if (!node) return 'not there'
  const words = [node.ready ? 'ready' : 'not ready', ...(node.schedulable ? [] : ['cordoned']), podsText(node.pods), ...node.taints]
  return words.join(', ')
}
