import { becauseOf } from '../shared/client/cause.ts'
import type { Client } from '../shared/client/client.ts'
import type { EventRecorder } from '../shared/client/event-recorder.ts'
import { hasReason, StatusError } from '../shared/errors/status-error.ts'
import type { PodCondition } from '../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../shared/time/clock.ts'
import { timestamp } from '../shared/time/timestamp.ts'
import type { PodInfo } from './pod-info.ts'

/** What became of a binding: `gone` pods leave the queue, the rest is tried again; pods bound meanwhile by someone else leave it when the cache shows that. */
export type BindingResult = 'bound' | 'gone' | { failed: Error }

export interface BindingTools {
  client: Client
  events: EventRecorder
  clock: Clock
  signal: AbortSignal
}

/** Binds a pod in our place; false: it did not, and does not mind if we do. @throws Error when it is not to be bound */
export type Binder = (info: PodInfo, node: string) => Promise<boolean>

/** Tells the API server which node the pod goes to, and people that it did. */
export async function bind(
  info: PodInfo,
  { name: node, why }: { readonly name: string; readonly why: string },
  { client, events, signal }: BindingTools,
  binder?: Binder,
): Promise<BindingResult> {
  const { namespace, pod } = info
  const name = pod.metadata.name ?? ''
  const body = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, uid: info.uid },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  }
  try {
    const cause = { by: 'scheduler', revision: pod.metadata.resourceVersion, why }
    const ask = () => client.createSubresource('v1', 'Pod', { namespace, name }, 'binding', body, { signal })
    if (!(await binder?.(info, node))) await becauseOf(cause, ask)
  } catch (error) {
    if (hasReason(error, 'NotFound')) return 'gone'
    const failed = error instanceof Error ? error : new Error(String(error), { cause: error })
    events.record(pod, 'Warning', 'FailedScheduling', `binding rejected: ${failed.message}`)
    return { failed }
  }
  events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`)
  return 'bound'
}

export interface Unscheduled {
  readonly reason: string
  readonly message: string
  /** Where room is being made; empty: nowhere any longer. */
  readonly nominatedNode?: string | undefined
}

/** Somebody more important took the room that was being made for the pod. */
export async function withdrawNomination(info: PodInfo, { client, signal }: BindingTools): Promise<void> {
  const name = { namespace: info.namespace, name: info.pod.metadata.name ?? '' }
  const body = { metadata: { uid: info.uid }, status: { nominatedNodeName: null } }
  try {
    await client.patch('v1', 'Pod', name, { type: 'strategic', subresource: 'status', body }, { signal })
  } catch (error) {
    if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
  }
}

/** Writes why the pod stays unscheduled into its conditions, and where room is being made for it, and says it in an Event. What is unchanged is not written again. */
export async function reportUnschedulable(
  info: PodInfo,
  { reason, message, nominatedNode }: Unscheduled,
  { client, events, clock, signal }: BindingTools,
): Promise<void> {
  const { pod } = info
  if (reason !== 'SchedulingGated') events.record(pod, 'Warning', 'FailedScheduling', message)
  const known = pod.status.conditions?.find((condition) => condition.type === 'PodScheduled')
  const isNominated = nominatedNode !== undefined && nominatedNode !== (pod.status.nominatedNodeName ?? '')
  if (!isNominated && known?.status === 'False' && known.reason === reason && known.message === message) return
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: known?.status === 'False' && known.lastTransitionTime ? known.lastTransitionTime : timestamp(clock.now()),
  }
  const name = { namespace: info.namespace, name: pod.metadata.name ?? '' }
  const patch = {
    type: 'strategic' as const,
    subresource: 'status',
    body: { status: { conditions: [condition], ...(isNominated ? { nominatedNodeName: nominatedNode || null } : {}) } },
  }
  try {
    await client.patch('v1', 'Pod', name, patch, { signal })
  } catch (error) {
    // The condition is for readers; the next refusal writes it again.
    if (!(error instanceof StatusError)) throw error
  }
}
