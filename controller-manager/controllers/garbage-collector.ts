import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { createInformer } from '../../shared/informer/shared-informers.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'
import { apiVersionOf, collectionPath, type ServedResource } from '../metadata/discovery.ts'
import { followServed } from '../metadata/follow-served.ts'
import { metadataSource } from '../metadata/metadata-source.ts'
import {
  blocking,
  FOREGROUND,
  type GraphNode,
  graphNode,
  isWaiting,
  ORPHAN,
  OwnerGraph,
  type OwnerState,
  verdict,
} from '../plans/owner-graph.ts'

/** How soon a key is looked at again while a kind is still being listed. */
const LISTING_MILLISECONDS = 200
const ABSENT_REMEMBERED = 10_000
/** Kinds that own nothing and come in masses (upstream leaves out the same ones). */
const IGNORED = new Set(['events', 'events.events.k8s.io'])

/**
 * Deletes what has lost its owners, orphans what should outlive them, and lets an owner go in the foreground once what
 * it waits for is gone. Keys are uids. An owner that the graph does not know is asked for before anything is deleted.
 */
export default defineController({
  name: 'garbage-collector',
  serviceAccount: 'generic-garbage-collector',
  workers: 20,
  create(tools) {
    const { client, log, signal } = tools
    const graph = new OwnerGraph()
    const served = new Map<string, ServedResource>()
    /** What is listed and watched, by kind. */
    const followed = new Map<string, { readonly synced: boolean; stop(): void }>()
    const absent = new AbsentOwners()
    let wake: (uid: string) => void = () => undefined

    return {
      watch(enqueue) {
        wake = enqueue
      },

      run: (stopped) =>
        followServed(tools, stopped, (resources) => {
          // All would wait for a server that is away; what is followed already goes on being.
          for (const resource of resources) if (!resource.isStale) follow(resource, stopped)
          leaveAllBut(new Set(resources.map(kindKey)))
        }),

      async reconcile(uid) {
        const node = graph.get(uid)
        if (!node) return
        // What is not listed yet may be what an owner waits for.
        if (followed.size === 0 || ![...followed.values()].every(({ synced }) => synced))
          return { requeueAfterMilliseconds: LISTING_MILLISECONDS }
        if (!node.deleting) return collect(node)
        if (node.finalizers.includes(ORPHAN)) await orphanDependents(node)
        else if (node.finalizers.includes(FOREGROUND)) await releaseForeground(node)
      },
    }

    function follow(resource: ServedResource, stopped: AbortSignal): void {
      const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind }
      const key = kindKey(resource)
      const wanted = ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb))
      if (served.has(key) || !wanted || IGNORED.has(resource.group ? `${resource.plural}.${resource.group}` : resource.plural)) return
      served.set(key, resource)
      const informer = createInformer(`metadata of ${key}`, metadataSource(client, resource), tools)
      informer.onChange((_name, current, previous) => {
        if (current) {
          const node = graphNode(current, kind)
          graph.set(node)
          if (node.owners.length > 0 || (node.deleting && node.finalizers.length > 0)) wake(node.uid)
          // An owner that waited for this one may be free now that it is not its owner any more, or not held up by it.
          for (const before of previous?.metadata.ownerReferences ?? []) {
            const now = node.owners.find(({ uid }) => uid === before.uid)
            if (!now || now.blockOwnerDeletion !== before.blockOwnerDeletion) wake(before.uid)
          }
          return
        }
        if (!previous) return
        const gone = graphNode(previous, kind)
        const dependents = graph.dependentsOf(gone.uid)
        graph.delete(gone.uid)
        absent.add(gone.uid)
        for (const dependent of dependents) wake(dependent.uid)
        // Owners that wait in the foreground may now be free.
        for (const owner of gone.owners) wake(owner.uid)
      })
      const leaving = new AbortController()
      followed.set(key, {
        get synced() {
          return informer.synced
        },
        stop: () => leaving.abort(new Error(`${key} is not served any more`)),
      })
      informer.start(AbortSignal.any([stopped, leaving.signal]))
    }

    /** Kinds that are not served any more (a definition was deleted) have no objects either. */
    function leaveAllBut(keys: ReadonlySet<string>): void {
      for (const [key, informer] of followed) {
        if (keys.has(key)) continue
        informer.stop()
        followed.delete(key)
        served.delete(key)
        for (const node of graph.ofKind(key)) graph.delete(node.uid)
      }
    }

    async function collect(node: GraphNode): Promise<void> {
      if (node.owners.length === 0) return
      const states = new Map<string, OwnerState>()
      for (const owner of node.owners) states.set(owner.uid, await stateOf(node, owner))
      const dependents = graph.dependentsOf(node.uid)
      const decision = verdict(node, states, dependents.length > 0)
      if (decision.what === 'dropReferences') return dropReferences(node, decision.uids)
      if (decision.what === 'keep') return
      log.info('deleting what has lost its owners', {
        kind: node.kind,
        namespace: node.namespace,
        name: node.name,
        policy: decision.policy,
      })
      if (decision.policy === 'Foreground' && dependents.some(isWaiting)) await unblock(node)
      // Under the revision, too: news of the owner's end may come before that of the dependent's release, and it would be deleted although it was orphaned.
      const preconditions = { uid: node.uid, resourceVersion: node.resourceVersion }
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy: decision.policy }
      await unlessGone(client.request('DELETE', pathOf(node), { body, signal }))
    }

    async function stateOf(node: GraphNode, owner: OwnerReference): Promise<OwnerState> {
      const known = graph.get(owner.uid)
      if (known) {
        // A reference across namespaces is no reference (owner references name things of one's own namespace, or cluster-wide ones).
        if (known.namespace !== undefined && node.namespace === undefined) return 'solid'
        if (known.namespace !== undefined && known.namespace !== node.namespace) return 'absent'
        return isWaiting(known) ? 'waiting' : 'solid'
      }
      const resource = served.get(`${owner.apiVersion}/${owner.kind}`) ?? anyVersion(owner)
      if (!resource)
        throw new Error(`the owner ${owner.kind} ${owner.name} is of a kind ${owner.apiVersion}/${owner.kind} that is not served`)
      // Nobody can say in which namespace it should be: such a reference is wrong, but no reason to delete.
      if (resource.namespaced && node.namespace === undefined) return 'solid'
      if (absent.has(owner.uid)) return 'absent'
      const path = `${collectionPath(resource, node.namespace ?? '')}/${encodeURIComponent(owner.name)}`
      try {
        const found = await client.request('GET', path, { signal })
        if (uidOf(found) === owner.uid) return 'solid'
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
      return 'absent'
    }

    function anyVersion(owner: OwnerReference): ServedResource | undefined {
      const group = owner.apiVersion.includes('/') ? owner.apiVersion.split('/')[0] : ''
      return [...served.values()].find((resource) => resource.group === group && resource.kind === owner.kind)
    }

    async function orphanDependents(owner: GraphNode): Promise<void> {
      for (const dependent of graph.dependentsOf(owner.uid)) await dropReferences(dependent, [owner.uid])
      await dropFinalizer(owner, ORPHAN)
    }

    async function releaseForeground(owner: GraphNode): Promise<void> {
      const dependents = graph.dependentsOf(owner.uid)
      // What is going already comes back to us when it is gone; to wake it now would be to wait in a circle.
      for (const dependent of dependents) if (!dependent.deleting) wake(dependent.uid)
      if (blocking(owner, dependents).length === 0) await dropFinalizer(owner, FOREGROUND)
    }

    async function dropReferences(node: GraphNode, uids: readonly string[]): Promise<void> {
      const ownerReferences = node.owners.filter(({ uid }) => !uids.includes(uid))
      await change(node, { ownerReferences: ownerReferences.length === 0 ? null : ownerReferences })
    }

    /** What waits for us may be what we wait for: owners in a circle must not block each other. */
    async function unblock(node: GraphNode): Promise<void> {
      await change(node, { ownerReferences: node.owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) })
    }

    async function dropFinalizer(node: GraphNode, finalizer: string): Promise<void> {
      await change(node, { finalizers: node.finalizers.filter((each) => each !== finalizer) })
    }

    /** Under uid and revision: what we decided on is what we change; a conflict brings a newer state and another look. */
    async function change(node: GraphNode, metadata: object): Promise<void> {
      const body = { metadata: { uid: node.uid, resourceVersion: node.resourceVersion, ...metadata } }
      await unlessGone(client.request('PATCH', pathOf(node), { body, contentType: 'application/merge-patch+json', signal }))
    }

    function pathOf(node: GraphNode): string {
      const resource = served.get(`${node.apiVersion}/${node.kind}`)
      if (!resource) throw new Error(`${node.apiVersion}/${node.kind} is not served any more`)
      return `${collectionPath(resource, node.namespace)}/${encodeURIComponent(node.name)}`
    }
  },
})

/** Owners known to be gone: a uid never comes back. Saves a question for each of many dependents. */
class AbsentOwners {
  readonly #uids = new Set<string>()

  has(uid: string): boolean {
    return this.#uids.has(uid)
  }

  add(uid: string): void {
    this.#uids.add(uid)
    if (this.#uids.size > ABSENT_REMEMBERED) for (const oldest of [...this.#uids].slice(0, ABSENT_REMEMBERED / 2)) this.#uids.delete(oldest)
  }
}

function kindKey(resource: ServedResource): string {
  return `${apiVersionOf(resource)}/${resource.kind}`
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
  }
}

function uidOf(object: unknown): string | undefined {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return undefined
  const { metadata } = object
  return typeof metadata === 'object' && metadata !== null && 'uid' in metadata && typeof metadata.uid === 'string'
    ? metadata.uid
    : undefined
}
