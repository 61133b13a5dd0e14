import type { PersistentVolume } from '../../shared/openapi/generated/core-v1.ts'
import { nodeOfFolder } from '../../shared/volumes/node-folder.ts'
import { nodeNameOf } from '../authn/system-names.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { AccessAttributes, AccessDecision, Authorizer } from './authorizer.ts'
import { NodeReferences, type ReferencedKind } from './node-references.ts'
import { nodeRules } from './node-rules.ts'
import { ruleAllows } from './policy-rule.ts'

const ALLOW: AccessDecision = { decision: 'allow', reason: '' }
const no = (reason = ''): AccessDecision => ({ decision: 'noOpinion', reason })

/**
 * Kubelets: each may read only what the Pods bound to it refer to, and write only about itself (the second half, which
 * needs the object, is admission/node-restriction.ts). Requests of others are not its business.
 */
export function nodeAuthorizer(reader: ObjectReader): Authorizer {
  // Followed from the first question on, so that a server with many Pods and no asking node yet starts sooner.
  let known: NodeReferences | undefined
  const references = (): NodeReferences => {
    if (!known) (known = new NodeReferences()).follow(reader)
    return known
  }

  const related = (node: string, kind: ReferencedKind, { namespace, name }: AccessAttributes): AccessDecision => {
    if (name === '') return no('No Object name found')
    return references().has(node, kind, namespace, name) ? ALLOW : no(noRelationship(node))
  }

  const volume = (node: string, { name, verb }: AccessAttributes): AccessDecision => {
    if (name === '') return no('No Object name found')
    const found = reader.get('v1', 'PersistentVolume', { name })
    // A folder of the node itself: it makes and removes it, long after the last pod.
    if (found && nodeOfFolder(found) === node) return ALLOW
    if (verb !== 'get') return no('can only get individual resources of this type')
    const claim = found?.spec.claimRef
    return claim && references().has(node, 'claim', claim.namespace ?? '', claim.name ?? '') ? ALLOW : no(noRelationship(node))
  }

  const attachment = (node: string, { name }: AccessAttributes): AccessDecision => {
    if (name === '') return no('No Object name found')
    return reader.get('storage.k8s.io/v1', 'VolumeAttachment', { name })?.spec.nodeName === node ? ALLOW : no(noRelationship(node))
  }

  /** Also what the volumes of its Pods' claims are mounted with; few nodes ever ask for such, so nothing is kept for it. */
  const secret = (node: string, attributes: AccessAttributes): AccessDecision => {
    const decision = related(node, 'secret', attributes)
    if (decision === ALLOW || attributes.name === '' || attributes.verb !== 'get') return decision
    const isOfVolume = reader.list('v1', 'PersistentVolume').some((each) => {
      const { claimRef } = each.spec
      return claimRef && isMountedWith(each, attributes) && references().has(node, 'claim', claimRef.namespace ?? '', claimRef.name ?? '')
    })
    return isOfVolume ? ALLOW : decision
  }

  const byResource: Readonly<Record<string, (node: string, attributes: AccessAttributes) => AccessDecision>> = {
    '/secrets': (node, attributes) => objectionToRead(attributes) ?? secret(node, attributes),
    '/configmaps': (node, attributes) => objectionToRead(attributes) ?? related(node, 'configMap', attributes),
    '/persistentvolumeclaims': (node, attributes) => objectionToClaim(attributes) ?? related(node, 'claim', attributes),
    '/persistentvolumes': (node, attributes) => objectionToVolume(attributes) ?? volume(node, attributes),
    '/serviceaccounts': (node, attributes) => objectionToToken(attributes) ?? related(node, 'serviceAccount', attributes),
    '/nodes': authorizeNode,
    '/pods': (node, attributes) => authorizePod(node, attributes, () => related(node, 'pod', attributes)),
    'coordination.k8s.io/leases': authorizeLease,
    'storage.k8s.io/csinodes': authorizeCsiNode,
    'storage.k8s.io/volumeattachments': (node, attributes) => objectionToGet(attributes) ?? attachment(node, attributes),
  }

  return {
    name: 'Node',
    authorize(attributes) {
      const node = nodeNameOf(attributes.user)
      if (node === undefined) return no()
      if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`)
      const special = attributes.path === undefined ? byResource[`${attributes.group}/${attributes.resource}`] : undefined
      if (special) return special(node, attributes)
      return nodeRules.some((rule) => ruleAllows(rule, attributes)) ? ALLOW : no()
    },
  }
}

/** Whether a kubelet needs that Secret for the volume: what a driver's controller needs is not its business. */
function isMountedWith({ spec: { csi } }: PersistentVolume, { namespace, name }: AccessAttributes): boolean {
  const references = [csi?.nodeStageSecretRef, csi?.nodePublishSecretRef, csi?.nodeExpandSecretRef]
  return references.some((each) => each?.name === name && each.namespace === namespace)
}

const noRelationship = (node: string) => `no relationship found between node '${node}' and this object`

function objectionToRead({ verb, subresource, namespace }: AccessAttributes): AccessDecision | undefined {
  if (!['get', 'list', 'watch'].includes(verb)) return no('can only read resources of this type')
  if (subresource) return no('cannot read subresource')
  return namespace ? undefined : no('can only read namespaced object of this type')
}

function objectionToGet({ verb, subresource }: AccessAttributes): AccessDecision | undefined {
  if (verb !== 'get') return no('can only get individual resources of this type')
  return subresource ? no('cannot get subresource') : undefined
}

function objectionToVolume(attributes: AccessAttributes): AccessDecision | undefined {
  return attributes.verb === 'update' && !attributes.subresource ? undefined : objectionToGet(attributes)
}

function objectionToClaim(attributes: AccessAttributes): AccessDecision | undefined {
  if (attributes.subresource !== 'status') return objectionToGet(attributes)
  return ['update', 'patch'].includes(attributes.verb) ? undefined : no('can only get/update/patch this type')
}

function objectionToToken({ verb, name, subresource }: AccessAttributes): AccessDecision | undefined {
  if (verb !== 'create' || name === '') return no('can only create tokens for individual service accounts')
  return subresource === 'token' ? undefined : no('can only create token subresource of serviceaccount')
}

/** Reads go by name and not by what exists, because a kubelet looks for its Node before it creates it. */
function authorizeNode(node: string, { verb, subresource, name }: AccessAttributes): AccessDecision {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOW : no()
  if (subresource) return no()
  if (['create', 'update', 'patch'].includes(verb)) return ALLOW
  if (!['get', 'list', 'watch'].includes(verb)) return no()
  if (name === node) return ALLOW
  return no(
    name
      ? `node '${node}' cannot read '${name}', only its own Node object`
      : `node '${node}' cannot read all nodes, only its own Node object`,
  )
}

function authorizePod(node: string, attributes: AccessAttributes, related: () => AccessDecision): AccessDecision {
  const { verb, subresource, name, fields } = attributes
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOW : no()
  if (subresource === 'eviction') return verb === 'create' ? ALLOW : no()
  if (subresource) return no()
  if (verb === 'create' || verb === 'delete') return ALLOW
  if (verb === 'get') return related()
  if (verb !== 'list' && verb !== 'watch') return no()
  if (fields?.requiredValue('spec.nodeName') === node) return ALLOW
  return name ? related() : no('can only list/watch pods with spec.nodeName field selector')
}

/** The name is unknown on create; node restriction checks it then. */
function authorizeLease(node: string, { verb, namespace, name }: AccessAttributes): AccessDecision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb))
    return no('can only get, create, update, patch, or delete a node lease')
  if (namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace')
  return verb === 'create' || name === node ? ALLOW : no('can only access node lease with the same name as the requesting node')
}

function authorizeCsiNode(node: string, { verb, subresource, name }: AccessAttributes): AccessDecision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) return no('can only get, create, update, patch, or delete a CSINode')
  if (subresource) return no('cannot authorize CSINode subresources')
  return verb === 'create' || name === node ? ALLOW : no('can only access CSINode with the same name as the requesting node')
}
