import { hasReason } from '../../shared/errors/status-error.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { BindingTools } from '../binding.ts'
import type { PodInfo } from '../pod-info.ts'
import { REASON } from './preemption.ts'
import type { Candidate } from './victims.ts'

/** Ends the victims, gracefully, and says in each why (KEP-3329). One that is gone, or ending already, needs nothing more. */
export async function evictVictims(preemptor: PodInfo, { node, victims }: Candidate, tools: BindingTools): Promise<void> {
  await Promise.all(victims.map((victim) => evict(preemptor, node.name, victim, tools)))
}

async function evict(preemptor: PodInfo, node: string, { pod }: PodInfo, { client, events, clock, signal }: BindingTools): Promise<void> {
  if (pod.metadata.deletionTimestamp !== undefined) return
  const { namespace, name = '', uid } = pod.metadata
  const condition = {
    ...{ type: 'DisruptionTarget', status: 'True', reason: REASON, lastTransitionTime: timestamp(clock.now()) },
    message: `${preemptor.pod.spec.schedulerName}: preempting to accommodate a higher priority pod`,
  }
  const body = { metadata: { uid }, status: { conditions: [condition] } }
  try {
    await client.patch('v1', 'Pod', { namespace, name }, { type: 'strategic', subresource: 'status', body }, { signal })
    await client.delete('v1', 'Pod', { namespace, name }, { preconditions: { uid }, signal })
  } catch (error) {
    if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
    return
  }
  events.record(pod, 'Normal', 'Preempted', `Preempted by pod ${preemptor.uid} on node ${node}`)
}
