import { notFound } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRequest } from './admission.ts'
import { refusal } from './refuse.ts'

const MIRROR = 'kubernetes.io/config.mirror'

/** The only Pods that a node may create: copies of its own manifests, owned by itself, that refer to nothing else. */
export function checkMirrorPodOfNode(node: string, request: AdmissionRequest): void {
  const pod = asKind(request.object, 'v1', 'Pod')
  const mine = JSON.stringify(node)
  if (pod?.metadata.annotations?.[MIRROR] === undefined) {
    throw refusal(request, `pod does not have ${JSON.stringify(MIRROR)} annotation, node ${mine} can only create mirror pods`)
  }
  if (pod.spec.nodeName !== node) throw refusal(request, `node ${mine} can only create pods with spec.nodeName set to itself`)
  checkOwner(node, request, pod)
  const reference = referenceOf(pod)
  if (reference) throw refusal(request, `node ${mine} can not create pods that reference ${reference}`)
}

function checkOwner(node: string, request: AdmissionRequest, { metadata }: Pod): void {
  const mine = JSON.stringify(node)
  const [owner, ...others] = metadata.ownerReferences ?? []
  if (others.length > 0) throw refusal(request, `node ${mine} can only create pods with a single owner reference set to itself`)
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw refusal(request, `node ${mine} can only create pods with an owner reference set to itself`)
  }
  if (!owner.controller) throw refusal(request, `node ${mine} can only create pods with a controller owner reference set to itself`)
  if (owner.blockOwnerDeletion) throw refusal(request, `node ${mine} must not set blockOwnerDeletion on an owner reference`)
  const known = request.context.reader.get('v1', 'Node', { name: node })
  if (!known) throw notFound({ group: '', resource: 'nodes' }, node)
  if (known.metadata.uid !== owner.uid) {
    throw refusal(request, `node ${node} UID mismatch: expected ${owner.uid} got ${known.metadata.uid}`)
  }
}

/** What a Pod refers to that the API server would have to look up. */
function referenceOf({ spec }: Pod): string | undefined {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  const volumes = spec.volumes ?? []
  const projections = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  const variables = containers.flatMap(({ env }) => env ?? [])
  const sources = containers.flatMap(({ envFrom }) => envFrom ?? [])
  if (spec.serviceAccountName || projections.some((each) => each.serviceAccountToken)) return 'a service account'
  if (
    spec.imagePullSecrets?.length ||
    volumes.some((each) => each.secret) ||
    projections.some((each) => each.secret) ||
    variables.some((each) => each.valueFrom?.secretKeyRef) ||
    sources.some((each) => each.secretRef)
  ) {
    return 'secrets'
  }
  if (
    volumes.some((each) => each.configMap) ||
    projections.some((each) => each.configMap) ||
    variables.some((each) => each.valueFrom?.configMapKeyRef) ||
    sources.some((each) => each.configMapRef)
  ) {
    return 'configmaps'
  }
  if (projections.some((each) => each.clusterTrustBundle)) return 'clustertrustbundles'
  return volumes.some((each) => each.persistentVolumeClaim ?? each.ephemeral) ? 'persistentvolumeclaims' : undefined
}
