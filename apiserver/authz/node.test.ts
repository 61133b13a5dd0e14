import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { parseFieldSelector } from '../../shared/selectors/field-selector.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from './authorizer.ts'
import { nodeAuthorizer } from './node.ts'

const node = (name: string): User => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })
let reader = new TestReader()
let authorizer = nodeAuthorizer(reader)
const answer = (changes: Partial<AccessAttributes>) =>
  authorizer.authorize({
    ...{ user: node('a'), verb: 'get', group: '', version: 'v1', resource: 'secrets', subresource: '', namespace: 'default', name: '' },
    ...changes,
  })
const may = (changes: Partial<AccessAttributes>) => answer(changes).decision === 'allow'

const container = { name: 'main', image: 'x' }
const putPod = (name: string, nodeName: string | undefined, spec: object = {}, annotations: Record<string, string> = {}) =>
  reader.put('v1', 'Pod', {
    metadata: { namespace: 'default', name, annotations },
    spec: { ...(nodeName ? { nodeName } : {}), containers: [container], ...spec },
  })

beforeEach(() => {
  reader = new TestReader()
  authorizer = nodeAuthorizer(reader)
})

describe('the node authoriser', () => {
  const references: [kind: string, resource: string, spec: object][] = [
    ['secret volume', 'secrets', { volumes: [{ name: 'v', secret: { secretName: 'wanted' } }] }],
    ['projected secret', 'secrets', { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'wanted' } }] } }] }],
    ['pull secret', 'secrets', { imagePullSecrets: [{ name: 'wanted' }] }],
    [
      'secret in a variable',
      'secrets',
      { containers: [{ ...container, env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'wanted', key: 'k' } } }] }] },
    ],
    [
      'secret for all variables of an init container',
      'secrets',
      { initContainers: [{ ...container, envFrom: [{ secretRef: { name: 'wanted' } }] }] },
    ],
    [
      'secret of an ephemeral container',
      'secrets',
      { ephemeralContainers: [{ ...container, envFrom: [{ secretRef: { name: 'wanted' } }] }] },
    ],
    ['config map volume', 'configmaps', { volumes: [{ name: 'v', configMap: { name: 'wanted' } }] }],
    ['projected config map', 'configmaps', { volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'wanted' } }] } }] }],
    [
      'config map in a variable',
      'configmaps',
      { containers: [{ ...container, env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'wanted', key: 'k' } } }] }] },
    ],
    ['claim', 'persistentvolumeclaims', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'wanted' } }] }],
  ]
  for (const [what, resource, spec] of references) {
    it(`lets a node read the ${what} of its own Pod only, as long as the Pod is there`, () => {
      putPod('web', 'a', spec)
      const wish = { resource, name: 'wanted' }
      assert.ok(may(wish))
      assert.equal(may({ ...wish, user: node('b') }), false)
      assert.equal(may({ ...wish, name: 'other' }), false)
      assert.equal(may({ ...wish, namespace: 'other' }), false)
      assert.equal(may({ ...wish, verb: 'update' }) || may({ ...wish, verb: 'delete' }) || may({ ...wish, name: '', verb: 'list' }), false)
      reader.remove('v1', 'Pod', 'default/web')
      assert.equal(may(wish), false)
    })
  }

  it('counts Pods, so that one of two may go', () => {
    const spec = { volumes: [{ name: 'v', secret: { secretName: 'wanted' } }] }
    putPod('one', 'a', spec)
    assert.ok(may({ name: 'wanted' }))
    putPod('two', 'a', spec)
    reader.remove('v1', 'Pod', 'default/one')
    assert.ok(may({ name: 'wanted' }))
    reader.remove('v1', 'Pod', 'default/two')
    assert.equal(may({ name: 'wanted' }), false)
  })

  it('bears being told twice', () => {
    const spec = { volumes: [{ name: 'v', secret: { secretName: 'wanted' } }] }
    putPod('web', 'a', spec)
    assert.ok(may({ name: 'wanted' }))
    putPod('web', 'a', spec)
    putPod('web', 'a', spec)
    reader.remove('v1', 'Pod', 'default/web')
    assert.equal(may({ name: 'wanted' }), false)
    putPod('web', 'a', spec)
    putPod('web', 'a', { volumes: [{ name: 'v', secret: { secretName: 'other' } }] })
    assert.equal(may({ name: 'wanted' }), false)
    assert.ok(may({ name: 'other' }))
  })

  it('follows a Pod to its node', () => {
    const spec = { volumes: [{ name: 'v', secret: { secretName: 'wanted' } }] }
    putPod('web', undefined, spec)
    assert.equal(may({ name: 'wanted' }), false)
    putPod('web', 'a', spec)
    assert.ok(may({ name: 'wanted' }) && may({ name: 'wanted', verb: 'watch' }))
  })

  it('gives nothing for mirror Pods, which the node writes itself', () => {
    putPod('web', 'a', { volumes: [{ name: 'v', secret: { secretName: 'wanted' } }] }, { 'kubernetes.io/config.mirror': 'x' })
    assert.equal(may({ name: 'wanted' }), false)
    assert.ok(may({ resource: 'pods', name: 'web' }))
  })

  it('reads volumes through the claims of its Pods', () => {
    putPod('web', 'a', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] })
    reader.put('v1', 'PersistentVolume', { metadata: { name: 'pv-1' }, spec: { claimRef: { namespace: 'default', name: 'data' } } })
    reader.put('v1', 'PersistentVolume', { metadata: { name: 'pv-2' }, spec: { claimRef: { namespace: 'default', name: 'else' } } })
    const volume = { resource: 'persistentvolumes', namespace: '' }
    assert.ok(may({ ...volume, name: 'pv-1' }))
    assert.equal(may({ ...volume, name: 'pv-2' }) || may({ ...volume, name: 'pv-3' }) || may({ ...volume, name: '', verb: 'list' }), false)
  })

  it('reads what the volumes of its Pods are mounted with, and its own attachments', () => {
    putPod('web', 'a', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] })
    const secret = (name: string) => ({ namespace: 'storage', name })
    const csi = { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: secret('stage'), controllerPublishSecretRef: secret('controller') }
    reader.put('v1', 'PersistentVolume', { metadata: { name: 'pv-1' }, spec: { claimRef: { namespace: 'default', name: 'data' }, csi } })
    const wanted = { namespace: 'storage', name: 'stage' }
    assert.ok(may(wanted))
    for (const other of [{ user: node('b') }, { name: 'controller' }, { namespace: 'default' }, { verb: 'list' }])
      assert.equal(may({ ...wanted, ...other }), false, JSON.stringify(other))
    reader.put('storage.k8s.io/v1', 'VolumeAttachment', { metadata: { name: 'va' }, spec: { attacher: 'd', nodeName: 'a', source: {} } })
    const attachment = { group: 'storage.k8s.io', resource: 'volumeattachments', namespace: '', name: 'va' }
    assert.ok(may(attachment))
    for (const other of [{ user: node('b') }, { name: 'none' }, { verb: 'list' }, { verb: 'update' }])
      assert.equal(may({ ...attachment, ...other }), false, JSON.stringify(other))
  })

  it('keeps the volumes that are folders of its own, without any Pod', () => {
    const annotations = (name: string, by = 'coxswain/node-folder') => ({ 'coxswain/node': name, 'pv.kubernetes.io/provisioned-by': by })
    reader.put('v1', 'PersistentVolume', { metadata: { name: 'mine', annotations: annotations('a') }, spec: {} })
    reader.put('v1', 'PersistentVolume', { metadata: { name: 'theirs', annotations: annotations('b') }, spec: {} })
    reader.put('v1', 'PersistentVolume', { metadata: { name: 'disk', annotations: annotations('a', 'csi.example.com') }, spec: {} })
    const volume = { resource: 'persistentvolumes', namespace: '' }
    for (const verb of ['get', 'update']) {
      assert.ok(may({ ...volume, verb, name: 'mine' }), verb)
      for (const name of ['theirs', 'disk', 'none', '']) assert.equal(may({ ...volume, verb, name }), false, `${verb} ${name}`)
    }
    for (const verb of ['list', 'watch', 'delete', 'patch', 'create']) assert.equal(may({ ...volume, verb, name: 'mine' }), false, verb)
    assert.equal(may({ ...volume, verb: 'update', name: 'mine', subresource: 'status' }), false)
  })

  it('lends tokens of accounts that run here', () => {
    putPod('web', 'a', { serviceAccountName: 'builder' })
    const token = { resource: 'serviceaccounts', subresource: 'token', verb: 'create', name: 'builder' }
    assert.ok(may(token))
    assert.equal(
      may({ ...token, user: node('b') }) ||
        may({ ...token, name: 'admin' }) ||
        may({ ...token, subresource: '' }) ||
        may({ ...token, verb: 'get' }),
      false,
    )
  })

  it('lists and watches only its own Pods', () => {
    const pods = { resource: 'pods', verb: 'watch', namespace: '' }
    assert.ok(
      may({ ...pods, fields: parseFieldSelector('spec.nodeName=a') }) &&
        may({ ...pods, verb: 'list', fields: parseFieldSelector('spec.nodeName==a,status.phase!=Failed') }),
    )
    assert.equal(may(pods), false)
    for (const text of ['', 'spec.nodeName=b', 'spec.nodeName!=a', 'spec.nodeName=', 'metadata.name=a'])
      assert.equal(may({ ...pods, fields: parseFieldSelector(text) }), false, text)
    assert.match(answer(pods).reason, /spec\.nodeName field selector/)
    putPod('web', 'a')
    putPod('other', 'b')
    assert.ok(may({ resource: 'pods', name: 'web' }))
    assert.equal(may({ resource: 'pods', name: 'other' }), false)
  })

  it('reads and writes itself among the nodes', () => {
    const nodes = { resource: 'nodes', namespace: '' }
    assert.ok(may({ ...nodes, name: 'a' }) && may({ ...nodes, name: 'a', verb: 'watch' }) && may({ ...nodes, verb: 'create' }))
    assert.ok(may({ ...nodes, name: 'a', verb: 'patch', subresource: 'status' }))
    assert.equal(
      may({ ...nodes, name: 'b' }) ||
        may({ ...nodes, verb: 'list' }) ||
        may({ ...nodes, name: 'a', verb: 'delete' }) ||
        may({ ...nodes, name: 'a', subresource: 'proxy' }),
      false,
    )
  })

  it('keeps its own lease', () => {
    const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-node-lease', name: 'a', verb: 'update' }
    assert.ok(may(lease) && may({ ...lease, verb: 'create', name: '' }))
    assert.equal(
      may({ ...lease, name: 'b' }) || may({ ...lease, namespace: 'kube-system' }) || may({ ...lease, verb: 'list', name: '' }),
      false,
    )
  })

  it('may what every node may, and no more', () => {
    assert.ok(may({ resource: 'services', verb: 'watch', namespace: '' }) && may({ resource: 'events', verb: 'create' }))
    assert.ok(may({ group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', namespace: '' }))
    assert.ok(may({ resource: 'pods', subresource: 'eviction', verb: 'create', name: 'web' }))
    for (const wish of [
      { resource: 'namespaces', verb: 'list', namespace: '' },
      { group: 'apps', resource: 'deployments', verb: 'list' },
      { resource: 'pods', subresource: 'exec', verb: 'create', name: 'web' },
      { resource: 'pods', subresource: 'binding', verb: 'create', name: 'web' },
      { group: 'rbac.authorization.k8s.io', resource: 'roles', verb: 'get', name: 'x' },
    ]) {
      assert.equal(may(wish), false, JSON.stringify(wish))
    }
  })

  it('has no opinion about others, and none in favour of nodes without a name', () => {
    const wish = { resource: 'services', verb: 'list' }
    assert.deepEqual(answer({ ...wish, user: { name: 'system:node:a', groups: [] } }), { decision: 'noOpinion', reason: '' })
    assert.deepEqual(answer({ ...wish, user: { name: 'worker', groups: ['system:nodes'] } }), {
      decision: 'noOpinion',
      reason: 'unknown node for user "worker"',
    })
  })
})
