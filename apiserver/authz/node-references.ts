import { objectKey } from '../../shared/objects/object.ts'
import type { Container, EphemeralContainer, Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import type { ObjectReader } from '../registry/object-reader.ts'

/** The kinds of objects that a Pod can lead its node to. */
export type ReferencedKind = 'pod' | 'secret' | 'configMap' | 'claim' | 'serviceAccount'

/** What one Pod adds to its node. */
interface Contribution {
  readonly node: string
  readonly generation: number | undefined
  readonly references: ReadonlySet<string>
}

/**
 * Which objects the Pods of each node refer to. Kept by following Pods: a Pod's references are set when it is created and
 * hardly change, so an update that changes neither node nor generation costs nothing. Each Pod's part is remembered and
 * replaced, never counted blindly, so a change that is told twice does no harm.
 */
export class NodeReferences {
  readonly #pods = new Map<string, Contribution>()
  /** Node → `kind namespace/name` → by how many Pods. */
  readonly #counts = new Map<string, Map<string, number>>()

  /** Answers the unsubscriber. */
  follow(reader: ObjectReader): () => void {
    return reader.follow(
      'v1',
      'Pod',
      (current, previous) => {
        if (current) this.#set(objectKey(current), current)
        else if (previous) this.#remove(objectKey(previous))
      },
      { previous: false },
    )
  }

  has(node: string, kind: ReferencedKind, namespace: string, name: string): boolean {
    return this.#counts.get(node)?.has(`${kind} ${namespace}/${name}`) ?? false
  }

  #set(key: string, pod: Pod): void {
    const node = pod.spec.nodeName
    const { generation } = pod.metadata
    const known = this.#pods.get(key)
    if (known && known.node === node && generation !== undefined && known.generation === generation) return
    this.#remove(key)
    if (!node) return
    const contribution = { node, generation, references: referencesOf(pod) }
    this.#pods.set(key, contribution)
    this.#count(contribution, +1)
  }

  #remove(key: string): void {
    const known = this.#pods.get(key)
    if (known && this.#pods.delete(key)) this.#count(known, -1)
  }

  #count({ node, references }: Contribution, step: 1 | -1): void {
    const counts = this.#counts.get(node) ?? new Map<string, number>()
    this.#counts.set(node, counts)
    for (const reference of references) {
      const count = (counts.get(reference) ?? 0) + step
      if (count > 0) counts.set(reference, count)
      else counts.delete(reference)
    }
    if (counts.size === 0) this.#counts.delete(node)
  }
}

/** Mirror Pods grant nothing: a node could write what it likes into them. */
function referencesOf(pod: Pod): Set<string> {
  const { namespace = '', name = '', annotations } = pod.metadata
  const references = new Set([`pod ${namespace}/${name}`])
  if (annotations?.['kubernetes.io/config.mirror'] !== undefined) return references
  const add = (kind: ReferencedKind, referenced: string | undefined) => {
    if (referenced) references.add(`${kind} ${namespace}/${referenced}`)
  }
  const { spec } = pod
  add('serviceAccount', spec.serviceAccountName)
  for (const secret of spec.imagePullSecrets ?? []) add('secret', secret.name)
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    addEnvironment(container, add)
  }
  for (const volume of spec.volumes ?? []) addVolume(volume, name, add)
  return references
}

type Add = (kind: ReferencedKind, name: string | undefined) => void

function addEnvironment({ env, envFrom }: Container | EphemeralContainer, add: Add): void {
  for (const { valueFrom } of env ?? []) {
    add('secret', valueFrom?.secretKeyRef?.name)
    add('configMap', valueFrom?.configMapKeyRef?.name)
  }
  for (const source of envFrom ?? []) {
    add('secret', source.secretRef?.name)
    add('configMap', source.configMapRef?.name)
  }
}

function addVolume(volume: Volume, podName: string, add: Add): void {
  add('secret', volume.secret?.secretName)
  add('configMap', volume.configMap?.name)
  add('claim', volume.persistentVolumeClaim?.claimName)
  if (volume.ephemeral) add('claim', `${podName}-${volume.name}`)
  add('secret', volume.csi?.nodePublishSecretRef?.name)
  add('secret', volume.iscsi?.secretRef?.name)
  add('secret', volume.cephfs?.secretRef?.name)
  add('secret', volume.rbd?.secretRef?.name)
  add('secret', volume.flexVolume?.secretRef?.name)
  for (const source of volume.projected?.sources ?? []) {
    add('secret', source.secret?.name)
    add('configMap', source.configMap?.name)
  }
}
