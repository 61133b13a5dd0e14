import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { CannotGoOn } from '../step.ts'

interface DrainTools {
  readonly client: Client
  readonly clock: Clock
  /** Milliseconds. */
  readonly within: number
  readonly say: (line: string) => void
}

/**
 * Cordons the node and evicts its pods, as `kubectl drain --ignore-daemonsets --delete-emptydir-data` does; disruption budgets are
 * respected and waited for. What DaemonSets and the node's own files made stays: it has no other place.
 * @returns how many pods went
 * @throws CannotGoOn naming the pods that are still there
 */
export async function drainNode(nodeName: string, { client, clock, within, say }: DrainTools): Promise<number> {
  await client.patch('v1', 'Node', { name: nodeName }, { type: 'merge', body: { spec: { unschedulable: true } } })
  const deadline = clock.monotonic() + within
  const seen = new Set<string>()
  const refused = new Map<string, string>()
  for (;;) {
    const { items } = await client.list('v1', 'Pod', { fieldSelector: `spec.nodeName=${nodeName}` })
    const left = items.filter(mustGo)
    if (left.length === 0) return seen.size
    for (const pod of left) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`
      seen.add(key)
      if (pod.metadata.deletionTimestamp !== undefined) continue
      const why = await evict(client, pod)
      if (why !== undefined && refused.get(key) !== why) say(`${key} stays for now: ${why}`)
      if (why !== undefined) refused.set(key, why)
    }
    if (clock.monotonic() > deadline) {
      const names = left.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ')
      throw new CannotGoOn(
        `${left.length} pods are still here after ${within / 1000} s: ${names}`,
        'look at their disruption budgets (kubectl get pdb -A), or uninstall without waiting for them',
      )
    }
    await clock.sleep(1_000)
  }
}

function mustGo({ metadata, status }: Pod): boolean {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)?.kind
  const isMirror = metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined
  return owner !== 'DaemonSet' && !isMirror && status.phase !== 'Succeeded' && status.phase !== 'Failed'
}

/** Why not, where a disruption budget says so. */
async function evict(client: Client, { metadata: { namespace = '', name = '' } }: Pod): Promise<string | undefined> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } }
  try {
    await client.request('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, { body })
    return undefined
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined
    if (hasReason(error, 'TooManyRequests')) return error.message
    throw error
  }
}
