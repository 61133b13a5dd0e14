import type { Client } from '../../shared/client/client.ts'
import { retryOnConflict } from '../../shared/client/retry-on-conflict.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
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

/** Plays the kubelet's part for a node: registers it, or finds itself registered, and reports Ready. */
export async function joinNode(client: Client, name: string, clock: Clock, capacity = { cpu: '4', memory: '8Gi', pods: '110' }) {
  const now = timestamp(clock.now())
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready', lastHeartbeatTime: now, lastTransitionTime: now },
  ]
  await retryOnConflict(async () => {
    const node = await getOrCreate(
      () => client.get('v1', 'Node', { name }),
      () => client.create('v1', 'Node', { metadata: { name, labels: { 'kubernetes.io/hostname': name } } }),
    )
    await client.updateStatus('v1', 'Node', { ...node, status: { ...node.status, capacity, allocatable: capacity, conditions } })
  })
  await beat(client, name, clock)
}

/** The node's heartbeat. */
export async function beat(client: Client, name: string, clock: Clock): Promise<void> {
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimestamp(clock.now()) }
  const lease = { namespace: 'kube-node-lease', name }
  const known = await getOrCreate(
    () => client.get('coordination.k8s.io/v1', 'Lease', lease),
    () => client.create('coordination.k8s.io/v1', 'Lease', { metadata: lease, spec }),
  )
  await client.update('coordination.k8s.io/v1', 'Lease', { ...known, spec: { ...known.spec, ...spec } })
}

async function getOrCreate<T>(get: () => Promise<T>, create: () => Promise<T>): Promise<T> {
  try {
    return await get()
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
    return create()
  }
}
