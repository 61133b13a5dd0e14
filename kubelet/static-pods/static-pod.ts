import { createHash } from 'node:crypto'
import { firstProblems } from '../../shared/errors/field-error.ts'
import type { Pod, Toleration } from '../../shared/openapi/generated/core-v1.ts'
import { decoderOf } from '../../shared/openapi/schema-decoder.ts'
import { defaultPodOnly, defaultPodSpec } from '../../shared/pods/pod-defaults.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { podAnnotation } from '../pods/pod-kinds.ts'
import { manifestProblems } from './manifest-problems.ts'
import { ManifestError } from './manifest-text.ts'

/** Where a manifest was found. */
export interface ManifestPlace {
  kind: 'file' | 'http'
  /** Path or URL. */
  name: string
}

/** A static pod stays whatever taints its node gets: nobody could bring it back. */
const STAYS: Toleration = { operator: 'Exists', effect: 'NoExecute' }

const HASH_CHARACTERS = 32

/**
 * The pod that a manifest describes on this node, as upstream makes it: named after the node, with a uid that is a hash of node, place and
 * content, so that the same manifest is the same pod after a restart and a changed one is another.
 * @throws ManifestError
 */
export function staticPod(value: unknown, place: ManifestPlace, nodeName: string, now: number): Pod {
  const pod = decode(value)
  const { name, namespace, labels, annotations } = pod.metadata
  pod.metadata = {
    name: name ? `${name}-${nodeName.toLowerCase()}` : '',
    namespace: namespace || 'default',
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
  }
  pod.spec.nodeName = nodeName
  defaultPodSpec(pod.spec)
  defaultPodOnly(pod.spec)
  pod.spec.tolerations = [...(pod.spec.tolerations ?? []).filter((one) => !isSame(one, STAYS)), STAYS]
  pod.status = { phase: 'Pending' }
  const problems = firstProblems(manifestProblems(pod))
  if (problems.length > 0) throw new ManifestError(problems.map(({ path, message }) => `${path}: ${message}`).join('; '))

  const hash = createHash('sha256')
    .update(JSON.stringify([nodeName, place.kind, place.name, pod]))
    .digest('hex')
    .slice(0, HASH_CHARACTERS)
  pod.metadata.uid = hash
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    ...{ [podAnnotation.source]: place.kind, [podAnnotation.hash]: hash, [podAnnotation.seen]: timestamp(now) },
  }
  return pod
}

function decode(value: unknown): Pod {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ManifestError('it holds no object')
  const { apiVersion, kind }: { apiVersion?: unknown; kind?: unknown } = value
  if (apiVersion !== 'v1' || kind !== 'Pod')
    throw new ManifestError(`it holds ${JSON.stringify(apiVersion)}, kind ${JSON.stringify(kind)}, where "v1", kind "Pod" is expected`)
  const unknown: string[] = []
  let pod: unknown
  try {
    pod = decoderOf('io.k8s.api.core.v1.Pod')?.(value, { path: [], unknown })
  } catch (cause) {
    throw new ManifestError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
  if (unknown.length > 0) throw new ManifestError(`unknown field ${unknown.map((path) => JSON.stringify(path)).join(', ')}`)
  // What the decoder of a definition makes has its shape.
  return pod as Pod
}

function isSame(one: Toleration, other: Toleration): boolean {
  return one.operator === other.operator && one.effect === other.effect && !one.key && !one.value
}
