import type { Client } from '../../shared/client/client.ts'
import { retryOnConflict } from '../../shared/client/retry-on-conflict.ts'
import type { ObjectName } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { microTimestamp, timestamp } from '../../shared/time/timestamp.ts'

/** Plays the kubelet's part for one pod: it runs and is ready (or not), with this address. */
export async function report(client: Client, name: ObjectName, clock: Clock, state: { ready: boolean; podIP?: string }): Promise<Pod> {
  return retryOnConflict(async () => {
    const current = await client.get('v1', 'Pod', name)
    const status = state.ready ? 'True' : 'False'
    const known = current.status.conditions?.find(({ type }) => type === 'Ready')
    const since = known?.status === status ? known.lastTransitionTime : timestamp(clock.now())
    return client.updateStatus('v1', 'Pod', {
      ...current,
      status: {
        ...current.status,
        phase: 'Running',
        startTime: current.status.startTime ?? timestamp(clock.now()),
        conditions: [{ type: 'Ready', status, lastTransitionTime: since }],
        ...(state.podIP ? { podIP: state.podIP, podIPs: [{ ip: state.podIP }] } : {}),
      },
    })
  })
}

/** Plays the kubelet's part in a pod's end: its containers are gone. */
export async function finishDeletion(client: Client, name: ObjectName): Promise<void> {
  await client.delete('v1', 'Pod', name, { gracePeriodSeconds: 0 })
}

/** Plays the kubelet's part for a node: registers it, Ready, with room for `pods` pods. */
export async function joinNode(client: Client, name: string, clock: Clock, capacity = { cpu: '4', memory: '8Gi', pods: '110' }) {
  const now = timestamp(clock.now())
  const node = await client.create('v1', 'Node', { metadata: { name, labels: { 'kubernetes.io/hostname': name } } })
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready', lastHeartbeatTime: now, lastTransitionTime: now },
  ]
  await client.updateStatus('v1', 'Node', { ...node, status: { ...node.status, capacity, allocatable: capacity, conditions } })
  await beat(client, name, clock)
}

/** The node's heartbeat. */
export async function beat(client: Client, name: string, clock: Clock): Promise<void> {
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimestamp(clock.now()) }
  const lease = { namespace: 'kube-node-lease', name }
  try {
    const known = await client.get('coordination.k8s.io/v1', 'Lease', lease)
    await client.update('coordination.k8s.io/v1', 'Lease', { ...known, spec: { ...known.spec, ...spec } })
  } catch {
    await client.create('coordination.k8s.io/v1', 'Lease', { metadata: lease, spec })
  }
}
