import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { DeepPartial } from '../../shared/client/client.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { admissionTrial, jane, kubelet, made, madePod as pod } from '../../test/harness/admission-trial.ts'

let { reader, admit, refused } = admissionTrial()
beforeEach(() => {
  ;({ reader, admit, refused } = admissionTrial())
})

describe('new nodes', () => {
  const nodeRequest = { resource: 'nodes', namespace: '', user: kubelet }
  const node = (metadata: KubeObject['metadata'], spec: object = {}) => made('v1', 'Node', { metadata: { name: 'a', ...metadata }, spec })

  it('take no Pods before they are seen ready', async () => {
    const object = node({})
    await admit({ ...nodeRequest, object })
    assert.deepEqual(object.spec.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
  })

  it('register only themselves, with labels that are theirs to give', async () => {
    const good = {
      'kubernetes.io/hostname': 'a',
      'node.kubernetes.io/x': '1',
      'example.com/y': '1',
      plain: '1',
      'a.kubelet.kubernetes.io/z': '',
    }
    await admit({ ...nodeRequest, object: node({ labels: good }) })
    await refused({ ...nodeRequest, object: node({ name: 'b' }) }, /node "a" is not allowed to modify node "b"/)
    for (const label of [
      'node-restriction.kubernetes.io/secure',
      'node-role.kubernetes.io/control-plane',
      'x.k8s.io/y',
      'example.node-restriction.kubernetes.io/x',
    ]) {
      await refused(
        { ...nodeRequest, object: node({ labels: { [label]: '1' } }) },
        new RegExp(`not allowed to set the following labels: ${label}`),
      )
    }
  })

  it('cannot change their taints or restricted labels later', async () => {
    const previous = node({ labels: { 'node-restriction.kubernetes.io/secure': 'yes' } }, { taints: [{ key: 'k', effect: 'NoSchedule' }] })
    const update = (object: KubeObject) => ({ ...nodeRequest, operation: 'UPDATE' as const, object, previous })
    await admit(update(structuredClone(previous)))
    // The same, in another spelling: a field that is there and undefined, fields in another order.
    await admit(update(node({ labels: previous.metadata.labels }, { taints: [{ effect: 'NoSchedule', value: undefined, key: 'k' }] })))
    await refused(update(node({ labels: previous.metadata.labels })), /not allowed to modify taints/)
    await refused(
      update(node({}, { taints: previous.spec.taints })),
      /not allowed to modify labels: node-restriction.kubernetes.io\/secure/,
    )
  })
})

describe('what nodes write', () => {
  const mirrorOf = (metadata: KubeObject['metadata'] = {}, spec: DeepPartial<Pod['spec']> = {}) => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'node-a', controller: true }
    const annotations = { 'kubernetes.io/config.mirror': 'x' }
    return pod({ nodeName: 'a', ...spec }, { annotations, ownerReferences: [owner], ...metadata })
  }
  const write = { user: kubelet }

  it('are mirror Pods of themselves', async () => {
    await admit({ ...write, object: mirrorOf() })
    await refused({ ...write, object: mirrorOf({ annotations: {} }) }, /can only create mirror pods/)
    await refused({ ...write, object: mirrorOf({}, { nodeName: 'b' }) }, /spec.nodeName set to itself/)
    await refused({ ...write, object: mirrorOf({ ownerReferences: [] }) }, /owner reference set to itself/)
    await refused({ ...write, object: mirrorOf({}, { volumes: [{ name: 'v', configMap: { name: 'c' } }] }) }, /reference configmaps/)
    await refused({ ...write, object: mirrorOf({}, { imagePullSecrets: [{ name: 's' }] }) }, /reference secrets/)
  })

  it('are the status and the end of their own Pods', async () => {
    const [mine, other] = [pod({ nodeName: 'a' }), pod({ nodeName: 'b' })]
    const status = { ...write, operation: 'UPDATE' as const, subresource: 'status' }
    await admit({ ...status, object: structuredClone(mine), previous: mine })
    await refused(
      { ...status, object: structuredClone(other), previous: other },
      /can only update pod status for pods with spec.nodeName set to itself/,
    )
    await refused(
      { ...status, object: pod({ nodeName: 'a' }, { labels: { x: 'y' } }), previous: mine },
      /cannot update labels through pod status/,
    )
    const end = { ...write, operation: 'DELETE' as const, object: undefined, name: 'web' }
    await admit({ ...end, previous: mine })
    await refused({ ...end, previous: other }, /node "a" can only delete pods with spec.nodeName set to itself/)
    await refused({ ...end, previous: undefined }, 'pods "web" not found', 404)
    await refused({ ...write, operation: 'UPDATE', object: mine, previous: mine }, /can only create and delete mirror pods/)
  })

  it('are tokens for Pods that run on them', async () => {
    reader.put('v1', 'Pod', { metadata: { namespace: 'default', name: 'mine', uid: 'p-1' }, spec: { nodeName: 'a' } })
    reader.put('v1', 'Pod', { metadata: { namespace: 'default', name: 'other', uid: 'p-2' }, spec: { nodeName: 'b' } })
    const token = (boundObjectRef: object | null) => ({
      ...{ ...write, group: '', resource: 'serviceaccounts', subresource: 'token' },
      object: made('authentication.k8s.io/v1', 'TokenRequest', { metadata: { name: 'default' }, spec: { audiences: [], boundObjectRef } }),
    })
    const bound = { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'p-1' }
    await admit(token(bound))
    await refused(token(null), /not bound to a pod/)
    await refused(token({ ...bound, kind: 'Secret' }), /not bound to a pod/)
    await refused(token({ ...bound, uid: '' }), /without a uid/)
    await refused(token({ ...bound, uid: 'p-0' }), /deleted and created again/)
    await refused(token({ ...bound, name: 'other', uid: 'p-2' }), /scheduled on a different node/)
    await refused(token({ ...bound, name: 'ghost' }), /pods "ghost" not found/, 404)
    await admit({ ...token(null), user: jane })
  })

  it('are their own leases', async () => {
    reader.put('v1', 'Namespace', { metadata: { name: 'kube-node-lease' }, status: { phase: 'Active' } })
    const lease = (name: string, namespace = 'kube-node-lease') => ({
      ...{ ...write, resource: 'leases', namespace },
      object: made('coordination.k8s.io/v1', 'Lease', { metadata: { name, namespace } }),
    })
    await admit(lease('a'))
    await refused(lease('b'), /same name as the requesting node/)
    await refused(lease('a', 'default'), /"kube-node-lease" system namespace/)
  })

  it('is nothing for a node without a name', async () => {
    await refused({ object: pod(), user: { name: 'worker', groups: ['system:nodes'] } }, /could not determine node from user "worker"/)
  })
})
