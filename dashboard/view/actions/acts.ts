import type { Cluster } from '../cluster/cluster.ts'
import { type Kind, objectPath } from '../cluster/kind.ts'
import { type AnyObject, at, listAt, textAt } from '../cluster/object.ts'
import { Refusal } from '../cluster/refusal.ts'

/** What can be done to an object besides writing it: a word for the button, and the deed. */
export interface Act {
  readonly title: string
  /** Asked before; a number is asked for where the act takes one. */
  readonly question?: string
  readonly number?: number
  /** @returns what to say. @throws Refusal, Lost */
  run(cluster: Cluster, number: number, tell: (line: string) => void): Promise<string>
}

const MERGE = 'application/merge-patch+json'
const RESTARTS = new Set(['Deployment', 'StatefulSet', 'DaemonSet'])
const AGAIN_MILLISECONDS = 2_000

/** The acts that fit an object of a kind. */
export function actsFor(kind: Kind, object: AnyObject): readonly Act[] {
  const path = objectPath(kind, object.metadata.namespace, object.metadata.name)
  const patch = (cluster: Cluster, body: unknown, to = path) => cluster.ask(to, { method: 'PATCH', contentType: MERGE, body })
  const acts: Act[] = []
  if (kind.subresources.includes('scale')) {
    acts.push({
      ...{ title: 'Scale', question: 'How many replicas?', number: Number(at(object, 'spec', 'replicas') ?? 1) },
      run: async (cluster, replicas) => {
        await patch(cluster, { spec: { replicas } }, `${path}/scale`)
        return `It wants ${replicas} now.`
      },
    })
  }
  if (kind.group === 'apps' && RESTARTS.has(kind.kind)) {
    acts.push({
      ...{ title: 'Restart', question: 'Replace its pods, some at a time?' },
      run: async (cluster) => {
        const restartedAt = new Date(cluster.clock.now()).toISOString()
        await patch(cluster, { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } } } })
        return 'Its pods are being replaced.'
      },
    })
  }
  if (kind.group === '' && kind.kind === 'Node') acts.push(...nodeActs(object, path))
  return acts
}

function nodeActs(node: AnyObject, path: string): readonly Act[] {
  const isCordoned = at(node, 'spec', 'unschedulable') === true
  const cordon = (cluster: Cluster, unschedulable: boolean) =>
    cluster.ask(path, { method: 'PATCH', contentType: MERGE, body: { spec: { unschedulable } } })
  return [
    {
      title: isCordoned ? 'Uncordon' : 'Cordon',
      run: async (cluster) => {
        await cordon(cluster, !isCordoned)
        return isCordoned ? 'It takes new pods again.' : 'It takes no new pods.'
      },
    },
    {
      ...{ title: 'Drain', question: 'Cordon it and evict its pods? Those of daemon sets and static ones stay.' },
      run: async (cluster, _number, tell) => {
        await cordon(cluster, true)
        return drain(cluster, node.metadata.name, tell)
      },
    },
  ]
}

/** Evicts one pod after the other; a budget that forbids it for now is asked again until it allows. */
async function drain(cluster: Cluster, node: string, tell: (line: string) => void): Promise<string> {
  const selector = encodeURIComponent(`spec.nodeName=${node}`)
  const { items } = await cluster.ask<{ items: AnyObject[] }>(`/api/v1/pods?fieldSelector=${selector}`)
  const leaving = items.filter(
    (pod) =>
      !pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') &&
      pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined &&
      !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')),
  )
  for (const [index, { metadata }] of leaving.entries()) {
    tell(`${index} of ${leaving.length} evicted; now ${metadata.namespace}/${metadata.name}.`)
    await evict(cluster, metadata, tell)
  }
  return `${leaving.length} pods were evicted, ${items.length - leaving.length} stay.`
}

async function evict(cluster: Cluster, { namespace = '', name }: AnyObject['metadata'], tell: (line: string) => void): Promise<void> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } }
  const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}/eviction`
  for (;;) {
    try {
      await cluster.ask(path, { method: 'POST', body })
      return
    } catch (error) {
      if (!(error instanceof Refusal) || (error.code !== 429 && error.code !== 404)) throw error
      if (error.code === 404) return
      tell(error.message)
      await cluster.clock.sleep(AGAIN_MILLISECONDS)
      if (cluster.session.token.peek() === undefined) return
    }
  }
}

/** A revision that a Deployment can be rolled back to: one of its ReplicaSets. */
export interface Revision {
  readonly number: number
  readonly images: string
  readonly template: unknown
}

export const REVISION = 'deployment.kubernetes.io/revision'

/** Revisions of a Deployment, the newest first. @throws Refusal, Lost */
export async function revisionsOf(cluster: Cluster, deployment: AnyObject): Promise<readonly Revision[]> {
  const { namespace = '', uid } = deployment.metadata
  const { items } = await cluster.ask<{ items: AnyObject[] }>(`/apis/apps/v1/namespaces/${namespace}/replicasets`)
  return items
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map((set) => ({
      number: Number(set.metadata.annotations?.[REVISION] ?? 0),
      images: listAt(set, 'spec', 'template', 'spec', 'containers')
        .map((container) => textAt(container, 'image'))
        .join(', '),
      template: at(set, 'spec', 'template'),
    }))
    .sort((a, b) => b.number - a.number)
}

/**
 * Gives a Deployment the template of an earlier revision. Its annotations stay, where `kubectl rollout undo` brings back those of the revision.
 * @throws Refusal, Lost
 */
export async function rollBack(cluster: Cluster, kind: Kind, deployment: AnyObject, { template }: Revision): Promise<void> {
  const labels = { ...(at(template, 'metadata', 'labels') as Readonly<Record<string, string>> | undefined) }
  delete labels['pod-template-hash']
  const annotations = at(template, 'metadata', 'annotations')
  const value = { metadata: { labels, ...(annotations !== undefined && { annotations }) }, spec: at(template, 'spec') }
  const { namespace, name } = deployment.metadata
  const body = [{ op: 'replace', path: '/spec/template', value }]
  await cluster.ask(objectPath(kind, namespace, name), { method: 'PATCH', contentType: 'application/json-patch+json', body })
}
