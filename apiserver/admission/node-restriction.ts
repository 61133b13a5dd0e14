import { isDeepStrictEqual } from 'node:util'
import { notFound } from '../../shared/errors/status-error.ts'
import { FOLDER_FINALIZER } from '../../shared/volumes/annotations.ts'
import { nodeOfFolder } from '../../shared/volumes/node-folder.ts'
import { nodeNameOf } from '../authn/system-names.ts'
import { asKind } from '../registry/as-kind.ts'
import { sameValue } from '../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import type { OwnedByCluster } from './cluster-facts.ts'
import { checkMirrorPodOfNode } from './mirror-pod.ts'
import type { NodeClaims } from './node-claims.ts'
import { forbiddenNodeLabels } from './node-labels.ts'
import { podAddressProblem } from './pod-addresses.ts'
import { refusal } from './refuse.ts'

/** What is known of the cluster besides the request. */
interface World {
  readonly owner: OwnedByCluster
  readonly claims: NodeClaims
}

type Check = (node: string, request: AdmissionRequest, world: World) => void

/** The half of the node authoriser that needs the object: a kubelet writes only about itself and its own Pods. */
export function nodeRestriction(world: World): AdmissionRule {
  return {
    name: 'NodeRestriction',
    validate(request) {
      const node = nodeNameOf(request.user)
      if (node === undefined) return
      if (node === '') throw refusal(request, `could not determine node from user ${JSON.stringify(request.user.name)}`)
      checks[`${request.group}/${request.resource}`]?.(node, request, world)
    },
  }
}

const checks: Readonly<Record<string, Check>> = {
  '/pods': checkPod,
  '/nodes': checkNode,
  '/persistentvolumeclaims': checkClaim,
  '/persistentvolumes': checkVolume,
  '/serviceaccounts': checkToken,
  'coordination.k8s.io/leases': checkLease,
  'storage.k8s.io/csinodes': (node, request) => checkOwnName(node, request, 'CSINode'),
}

function checkPod(node: string, request: AdmissionRequest, world: World): void {
  const { operation, subresource } = request
  const mine = JSON.stringify(node)
  if (subresource === 'eviction') return checkIsMine(node, request, 'evict')
  if (subresource === 'status') return checkPodStatus(node, request, world)
  if (subresource !== '')
    throw refusal(request, `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`)
  if (operation === 'DELETE') return checkIsMine(node, request, 'delete')
  if (operation === 'CREATE') return checkMirrorPodOfNode(node, request)
  throw refusal(request, `unexpected operation ${JSON.stringify(operation)}, node ${mine} can only create and delete mirror pods`)
}

function checkIsMine(node: string, request: AdmissionRequest, verb: string): void {
  const { context, namespace, name, previous } = request
  const pod = asKind(previous, 'v1', 'Pod') ?? context.reader.get('v1', 'Pod', { namespace, name })
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name)
  if (pod.spec.nodeName !== node) {
    throw refusal(request, `node ${JSON.stringify(node)} can only ${verb} pods with spec.nodeName set to itself`)
  }
}

function checkPodStatus(node: string, request: AdmissionRequest, world: World): void {
  const previous = asKind(request.previous, 'v1', 'Pod')
  if (request.operation !== 'UPDATE' || !previous) throw refusal(request, `unexpected operation ${JSON.stringify(request.operation)}`)
  if (previous.spec.nodeName !== node) {
    throw refusal(request, `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`)
  }
  if (!sameLabels(previous.metadata.labels, request.object?.metadata.labels)) {
    throw refusal(request, `node ${JSON.stringify(node)} cannot update labels through pod status`)
  }
  const next = asKind(request.object, 'v1', 'Pod')
  if (!next) return
  const { reader } = request.context
  const known = {
    node: () => reader.get('v1', 'Node', { name: node }),
    claimant: (address: string) => world.claims.of(reader).claimants(address, '')[0],
    owner: world.owner,
  }
  const problem = podAddressProblem(next, previous, known)
  if (problem !== undefined) throw refusal(request, problem)
}

function checkNode(node: string, request: AdmissionRequest): void {
  const next = asKind(request.object, 'v1', 'Node')
  const previous = asKind(request.previous, 'v1', 'Node')
  const mine = JSON.stringify(node)
  const name = request.name || next?.metadata.name
  if (name !== node) throw refusal(request, `node ${mine} is not allowed to modify node ${JSON.stringify(name)}`)
  if (!next) return
  if (next.spec.configSource && !sameValue(next.spec.configSource, previous?.spec.configSource)) {
    throw refusal(request, `node ${mine} is not allowed to set a configSource`)
  }
  const labels = forbiddenNodeLabels(next.metadata.labels, previous?.metadata.labels).join(', ')
  if (request.operation === 'CREATE' && labels) throw refusal(request, `node ${mine} is not allowed to set the following labels: ${labels}`)
  // Everybody routes there; the controller manager gives it.
  if (!sameValue(next.spec.podCIDRs ?? [], previous?.spec.podCIDRs ?? [])) {
    throw refusal(request, `node ${mine} is not allowed to set its pod range`)
  }
  if (request.operation !== 'UPDATE') return
  // With either it could draw other people's Pods to itself.
  if (!sameValue(next.spec.taints ?? [], previous?.spec.taints ?? [])) {
    throw refusal(request, `node ${mine} is not allowed to modify taints`)
  }
  // Owned by something that does not exist it would be collected: a node that deletes itself comes back without its taints.
  if (!sameValue(next.metadata.ownerReferences ?? [], previous?.metadata.ownerReferences ?? [])) {
    throw refusal(request, `node ${mine} is not allowed to modify ownerReferences`)
  }
  if (labels) throw refusal(request, `is not allowed to modify labels: ${labels}`)
}

function checkClaim(node: string, request: AdmissionRequest): void {
  if (request.subresource !== 'status') throw refusal(request, 'may only update PVC status')
  const [next, previous] = [asKind(request.object, 'v1', 'PersistentVolumeClaim'), asKind(request.previous, 'v1', 'PersistentVolumeClaim')]
  const fixed = (claim: typeof next) => ({
    ...claim,
    metadata: { ...claim?.metadata, resourceVersion: '', managedFields: [] },
    status: { phase: claim?.status.phase },
  })
  if (!sameValue(fixed(next), fixed(previous))) {
    throw refusal(request, `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`)
  }
}

/** Of the volumes that are folders of its own a node says only whether the folder is there. */
function checkVolume(node: string, request: AdmissionRequest): void {
  const [next, previous] = [asKind(request.object, 'v1', 'PersistentVolume'), asKind(request.previous, 'v1', 'PersistentVolume')]
  if (!next || !previous || nodeOfFolder(previous) !== node)
    throw refusal(request, `node ${JSON.stringify(node)} can only update volumes that are folders of its own`)
  const fixed = (volume: typeof next) => ({
    ...volume,
    metadata: {
      ...volume.metadata,
      ...{
        resourceVersion: '',
        managedFields: [],
        finalizers: volume.metadata.finalizers?.filter((each) => each !== FOLDER_FINALIZER) ?? [],
      },
    },
  })
  if (!sameValue(fixed(next), fixed(previous)))
    throw refusal(request, `node ${JSON.stringify(node)} is not allowed to update anything but the finalizer ${FOLDER_FINALIZER}`)
}

/** A node asks for tokens only on behalf of a Pod that runs on it, and bound to that Pod. */
function checkToken(node: string, request: AdmissionRequest): void {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return
  const reference = asKind(request.object, 'authentication.k8s.io/v1', 'TokenRequest')?.spec.boundObjectRef
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || !reference.name)
    throw refusal(request, 'node requested token not bound to a pod')
  if (!reference.uid) throw refusal(request, 'node requested token with a pod binding without a uid')
  const pod = request.context.reader.get('v1', 'Pod', { namespace: request.namespace, name: reference.name })
  if (!pod) throw notFound({ group: '', resource: 'pods' }, reference.name)
  if (pod.metadata.uid !== reference.uid) {
    throw refusal(
      request,
      `the pod ${reference.name} is not the one with the UID ${reference.uid} any more: it was deleted and created again`,
    )
  }
  if (pod.spec.nodeName !== node) throw refusal(request, 'node requested token bound to a pod scheduled on a different node')
}

function checkLease(node: string, request: AdmissionRequest): void {
  if (request.namespace !== 'kube-node-lease') throw refusal(request, 'can only access leases in the "kube-node-lease" system namespace')
  checkOwnName(node, request, 'node lease')
}

function checkOwnName(node: string, request: AdmissionRequest, what: string): void {
  const name = request.name || request.object?.metadata.name
  if (name !== node) throw refusal(request, `can only access ${what} with the same name as the requesting node`)
}

function sameLabels(one: Record<string, string> | undefined, other: Record<string, string> | undefined): boolean {
  return isDeepStrictEqual({ ...one }, { ...other })
}
