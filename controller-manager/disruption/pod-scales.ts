import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'
import { collectionPath } from '../metadata/discovery.ts'
import { ServedKinds } from '../metadata/served-kinds.ts'
import { controllerOf } from '../pods/claim.ts'

/** Who asks for pods, and how many. */
interface Scale {
  readonly uid: string
  readonly replicas: number
}

/** What the controllers of some pods ask for together. */
export interface ExpectedScale {
  readonly replicas: number
  /** Pods that nobody controls: nothing is known of how many there should be. */
  readonly unmanaged: readonly Pod[]
}

/** Asks who controls pods how many they want: the built-in kinds from caches, any other kind by its scale sub-resource. */
export class PodScales {
  readonly #tools: ControllerTools
  readonly #kinds: ServedKinds
  readonly #caches

  constructor(tools: ControllerTools) {
    const { informers } = tools
    this.#tools = tools
    this.#kinds = new ServedKinds(tools.client, tools.clock)
    this.#caches = {
      'apps/v1 ReplicaSet': informers.of('apps/v1', 'ReplicaSet').cache,
      'apps/v1 Deployment': informers.of('apps/v1', 'Deployment').cache,
      'apps/v1 StatefulSet': informers.of('apps/v1', 'StatefulSet').cache,
      'v1 ReplicationController': informers.of('v1', 'ReplicationController').cache,
    }
  }

  /** @throws Error for a pod whose controller cannot be asked */
  async of(pods: readonly Pod[]): Promise<ExpectedScale> {
    const scales = new Map<string, number>()
    const asked = new Map<string, Scale | undefined>()
    const unmanaged: Pod[] = []
    for (const pod of pods) {
      const owner = controllerOf(pod)
      if (!owner) {
        unmanaged.push(pod)
        continue
      }
      if (!asked.has(owner.uid)) asked.set(owner.uid, await this.#scaleOf(owner, pod.metadata.namespace ?? ''))
      const scale = asked.get(owner.uid)
      if (!scale) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`)
      scales.set(scale.uid, scale.replicas)
    }
    return { replicas: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged }
  }

  async #scaleOf({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Promise<Scale | undefined> {
    const key = objectKey({ metadata: { namespace, name } })
    const which = `${apiVersion} ${kind}`
    if (!isKnown(which, this.#caches)) return this.#askForScale(apiVersion, kind, namespace, { name, uid })
    const found = this.#caches[which].get(key)
    if (found?.metadata.uid !== uid) return undefined
    // The sets of a rollout are one whole: the Deployment says how many pods there should be.
    const above = controllerOf(found)
    if (above?.kind === 'Deployment') return this.#scaleOf(above, namespace)
    return { uid, replicas: found.spec.replicas ?? 1 }
  }

  async #askForScale(
    apiVersion: string,
    kind: string,
    namespace: string,
    { name, uid }: { name: string; uid: string },
  ): Promise<Scale | undefined> {
    const { client, signal } = this.#tools
    const resource = await this.#kinds.lookUp(apiVersion, kind, signal)
    if (!resource) return undefined
    try {
      const scale = await client.request('GET', `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}/scale`, { signal })
      const found = readScale(scale)
      return found && found.uid === uid ? found : undefined
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }
}

function isKnown<T extends object>(which: string, known: T): which is keyof T & string {
  return Object.hasOwn(known, which)
}

function readScale(answer: unknown): Scale | undefined {
  if (typeof answer !== 'object' || answer === null || !('metadata' in answer) || !('spec' in answer)) return undefined
  const { metadata, spec } = answer
  if (typeof metadata !== 'object' || metadata === null || !('uid' in metadata) || typeof metadata.uid !== 'string') return undefined
  const replicas = typeof spec === 'object' && spec !== null && 'replicas' in spec ? spec.replicas : 0
  return { uid: metadata.uid, replicas: typeof replicas === 'number' ? replicas : 0 }
}
