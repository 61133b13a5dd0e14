import type { DeepPartial } from '../../shared/client/client.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { annotationOf, fullNameOf, podAnnotation } from '../pods/pod-kinds.ts'

/** What makes the mirrors in the API server those of the static pods that there are. */
export interface MirrorPlan {
  /** Static pods without a mirror. */
  create: Pod[]
  /** Mirrors of nothing, of another manifest, or on their way out. */
  remove: Pod[]
}

/**
 * Decides, purely. A mirror that somebody deletes is let go of at once, because nothing has to end for it, and made again once it is gone; the
 * pod that it shows is not touched.
 * @param isComplete all static pods are known; before that no mirror is one of nothing
 * @param isEnding the static pod of that name is being taken down: until it is, its mirror shows that it runs
 */
export function planMirrors(
  pods: readonly Pod[],
  mirrors: readonly Pod[],
  isComplete: boolean,
  isEnding: (fullName: string) => boolean,
): MirrorPlan {
  const present = new Map(mirrors.map((mirror) => [fullNameOf(mirror), mirror]))
  const wanted = new Map(pods.map((pod) => [fullNameOf(pod), pod]))
  const remove = mirrors.filter((mirror) => {
    const pod = wanted.get(fullNameOf(mirror))
    if (pod) return mirror.metadata.deletionTimestamp !== undefined || !isMirrorOf(mirror, pod)
    return isComplete && !isEnding(fullNameOf(mirror))
  })
  return { create: pods.filter((pod) => !present.has(fullNameOf(pod))), remove }
}

export function isMirrorOf(mirror: Pod, pod: Pod): boolean {
  return annotationOf(mirror.metadata, podAnnotation.mirror) === pod.metadata.uid && fullNameOf(mirror) === fullNameOf(pod)
}

/** The mirror of a static pod: the same, owned by the node, so that it goes when the node goes (NodeRestriction asks for that). */
export function mirrorOf({ metadata, spec }: Pod, node: Node): { metadata: Pod['metadata']; spec: DeepPartial<Pod['spec']> } {
  const { name = '', uid: nodeUid = '' } = node.metadata
  const { uid = '', ...rest } = metadata
  return {
    metadata: {
      ...rest,
      annotations: { ...metadata.annotations, [podAnnotation.mirror]: uid },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: nodeUid, controller: true }],
    },
    spec,
  }
}
