import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import type { ApiVersion, DeepPartial, KindOf, ObjectOf } from '../../shared/client/client.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from '../authz/authorizer.ts'
import { defineResource, type ResourceDefinition } from '../registry/define-resource.ts'
import type { AdmissionRequest } from './admission.ts'
import { admissionRules } from './admit.ts'

const jane: User = { name: 'jane', groups: ['system:authenticated'] }
const kubelet: User = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

let reader = new TestReader()
let onSleep = () => {}
let slept = 0
const clock: Clock = {
  ...realClock(),
  async sleep(milliseconds) {
    slept += milliseconds
    onSleep()
  },
}
let allowed: (attributes: AccessAttributes) => boolean = () => false
const rules = admissionRules({ authorize: (attributes) => ({ decision: allowed(attributes) ? 'allow' : 'noOpinion', reason: '' }) })

const podDefinition = defineResource('v1', 'Pod') as unknown as ResourceDefinition

/** The request with all the rules' answers in its object. */
async function admit(changes: Partial<AdmissionRequest>): Promise<void> {
  const object = changes.object
  const [group = '', version = ''] = object?.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object?.apiVersion]
  const request: AdmissionRequest = {
    ...{
      operation: 'CREATE',
      definition: podDefinition,
      group,
      version,
      resource: 'pods',
      subresource: '',
      namespace: 'default',
    },
    ...{ name: object?.metadata.name ?? '', user: jane, object, previous: undefined, dryRun: false },
    context: { user: jane, reader, clock, random: seededRandom(1), dryRun: false, warn() {} },
    ...changes,
  }
  for (const rule of rules) await rule.mutate?.(request)
  for (const rule of rules) await rule.validate?.(request)
}

async function refused(changes: Partial<AdmissionRequest>, message: RegExp | string, code = 403): Promise<StatusError> {
  try {
    await admit(changes)
  } catch (error) {
    assert.ok(error instanceof StatusError)
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    assert.equal(error.code, code)
    return error
  }
  throw new Error('it was admitted')
}

/** An object as decoding leaves it, as far as rules look. */
function made<V extends ApiVersion, K extends KindOf<V>>(
  apiVersion: V,
  kind: K,
  content: { metadata: KubeObject['metadata'] } & DeepPartial<Omit<ObjectOf<V, K>, 'metadata' | 'apiVersion' | 'kind'>>,
): ObjectOf<V, K> {
  return { spec: {}, status: {}, ...structuredClone(content), apiVersion, kind } as unknown as ObjectOf<V, K>
}

function pod(spec: DeepPartial<Pod['spec']> = {}, metadata: Pod['metadata'] = {}) {
  return made('v1', 'Pod', {
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'main' }], ...spec },
  })
}

beforeEach(() => {
  reader = new TestReader()
  reader.put('v1', 'Namespace', { metadata: { name: 'default' }, status: { phase: 'Active' } })
  reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'default' } })
  reader.put('v1', 'Node', { metadata: { name: 'a', uid: 'node-a' }, spec: {}, status: {} })
  allowed = () => false
  onSleep = () => {}
  slept = 0
})

describe('namespaces', () => {
  it('must be there', async () => {
    await refused({ object: pod(), namespace: 'nowhere' }, 'namespaces "nowhere" not found', 404)
  })

  it('must not be ending; the cause says that waiting does not help', async () => {
    reader.put('v1', 'Namespace', {
      metadata: { name: 'default', deletionTimestamp: '2026-11-23T12:00:00Z' },
      status: { phase: 'Terminating' },
    })
    const error = await refused(
      { object: pod() },
      'pods "web" is forbidden: unable to create new content in namespace default because it is being terminated',
    )
    assert.deepEqual(error.details?.causes, [
      { reason: 'NamespaceTerminating', message: 'namespace default is being terminated', field: 'metadata.namespace' },
    ])
    await admit({ operation: 'DELETE', object: undefined, name: 'web' })
    await admit({ operation: 'UPDATE', object: pod(), previous: pod() })
  })

  it('of the system stay', async () => {
    const gone = { operation: 'DELETE' as const, object: undefined, resource: 'namespaces', namespace: '' }
    for (const name of ['default', 'kube-system', 'kube-public']) {
      await refused({ ...gone, name }, `namespaces "${name}" is forbidden: this namespace may not be deleted`)
    }
    await admit({ ...gone, name: 'mine' })
  })
})

describe('service accounts of Pods', () => {
  it('are the default one, with its token mounted everywhere', async () => {
    const object = pod({ initContainers: [{ name: 'first' }], volumes: [{ name: 'data', emptyDir: {} }] })
    await admit({ object })
    assert.equal(object.spec.serviceAccountName, 'default')
    assert.equal(object.spec.serviceAccount, 'default')
    const [, volume] = object.spec.volumes ?? []
    assert.match(volume?.name ?? '', /^kube-api-access-[a-z0-9]{5}$/)
    assert.deepEqual(
      volume?.projected?.sources?.map((source) => Object.keys(source)[0]),
      ['serviceAccountToken', 'configMap', 'downwardAPI'],
    )
    for (const container of [...(object.spec.initContainers ?? []), ...object.spec.containers]) {
      assert.deepEqual(container.volumeMounts, [
        { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
      ])
    }
  })

  it('are not mounted where the Pod, or else the account, does not want it, or has something there', async () => {
    const mount = { name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
    const own = pod({ containers: [{ name: 'main', volumeMounts: [mount] }] })
    await admit({ object: own })
    assert.equal(own.spec.volumes, undefined)
    const unwilling = pod({ automountServiceAccountToken: false })
    await admit({ object: unwilling })
    assert.equal(unwilling.spec.volumes, undefined)
    reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'default' }, automountServiceAccountToken: false })
    const quiet = pod()
    await admit({ object: quiet })
    assert.equal(quiet.spec.volumes, undefined)
    const willing = pod({ automountServiceAccountToken: true })
    await admit({ object: willing })
    assert.equal(willing.spec.volumes?.length, 1)
  })

  it('lend their pull secrets to Pods that have none', async () => {
    reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'default' }, imagePullSecrets: [{ name: 'registry' }] })
    const [without, withOwn] = [pod(), pod({ imagePullSecrets: [{ name: 'mine' }] })]
    await admit({ object: without })
    await admit({ object: withOwn })
    assert.deepEqual(without.spec.imagePullSecrets, [{ name: 'registry' }])
    assert.deepEqual(withOwn.spec.imagePullSecrets, [{ name: 'mine' }])
  })

  it('must exist', async () => {
    await refused(
      { object: pod({ serviceAccountName: 'ghost' }) },
      'pods "web" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
    )
    assert.equal(slept, 0)
  })

  it('that a controller is about to make are waited for, for a second', async () => {
    reader.remove('v1', 'ServiceAccount', 'default/default')
    onSleep = () => {
      if (slept > 200) reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'default' } })
    }
    await admit({ object: pod() })
    reader.remove('v1', 'ServiceAccount', 'default/default')
    onSleep = () => {}
    slept = 0
    await refused({ object: pod() }, /serviceaccount "default" not found/)
    assert.equal(slept, 1000)
  })

  it('are not for mirror Pods', async () => {
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
    const plain = pod({}, mirror)
    await admit({ object: plain })
    assert.equal(plain.spec.serviceAccountName, undefined)
    await refused({ object: pod({ serviceAccountName: 'default' }, mirror) }, /mirror pod may not reference service accounts/)
    await refused(
      { object: pod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, mirror) },
      /mirror pod may not reference secrets/,
    )
  })
})

describe('priorities', () => {
  const putClass = (name: string, value: number, more: { globalDefault?: boolean; preemptionPolicy?: string } = {}) =>
    reader.put('scheduling.k8s.io/v1', 'PriorityClass', { metadata: { name }, value, ...more })

  it('come from the class, its policy too', async () => {
    putClass('high', 1000, { preemptionPolicy: 'Never' })
    const object = pod({ priorityClassName: 'high' })
    await admit({ object })
    assert.deepEqual([object.spec.priority, object.spec.preemptionPolicy], [1000, 'Never'])
  })

  it('are 0 without a class, or those of the default class', async () => {
    const plain = pod()
    await admit({ object: plain })
    assert.deepEqual(
      [plain.spec.priority, plain.spec.priorityClassName, plain.spec.preemptionPolicy],
      [0, undefined, 'PreemptLowerPriority'],
    )
    putClass('usual', 7, { globalDefault: true })
    const usual = pod()
    await admit({ object: usual })
    assert.deepEqual([usual.spec.priority, usual.spec.priorityClassName], [7, 'usual'])
  })

  it('cannot be chosen by number, nor the class invented', async () => {
    await refused(
      { object: pod({ priority: 5 }) },
      /the integer value of priority \(5\) must not be provided in pod spec; priority admission controller computed 0/,
    )
    await refused({ object: pod({ priorityClassName: 'ghost' }) }, 'pods "web" is forbidden: no PriorityClass with name ghost was found')
    await refused({ object: pod({ preemptionPolicy: 'Never' }) }, /PreemptionPolicy \(Never\) must not be provided/)
    const same = pod({ priority: 0 })
    await admit({ object: same })
  })

  it('have one default class at most', async () => {
    putClass('usual', 7, { globalDefault: true })
    const wish = (name: string) => ({
      object: made('scheduling.k8s.io/v1', 'PriorityClass', { metadata: { name }, value: 1, globalDefault: true }),
      ...{ resource: 'priorityclasses', namespace: '' },
    })
    await refused(wish('other'), /PriorityClass usual is already marked as default/)
    await admit({ ...wish('usual'), operation: 'UPDATE', previous: wish('usual').object })
  })
})

describe('tolerations by default', () => {
  it('let Pods stay for five minutes on a node that is gone', async () => {
    const object = pod()
    await admit({ object })
    assert.deepEqual(
      object.spec.tolerations,
      ['not-ready', 'unreachable'].map((key) => ({
        ...{ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute' },
        tolerationSeconds: 300,
      })),
    )
  })

  it('do not replace what the Pod says itself', async () => {
    const own = [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', tolerationSeconds: 5 }]
    const object = pod({ tolerations: own })
    await admit({ object })
    assert.deepEqual(
      object.spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]),
      [
        ['node.kubernetes.io/not-ready', 5],
        ['node.kubernetes.io/unreachable', 300],
      ],
    )
    const all = pod({ tolerations: [{ operator: 'Exists' }] })
    await admit({ object: all })
    assert.equal(all.spec.tolerations?.length, 1)
  })
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

describe('certificate requests', () => {
  const signer = 'kubernetes.io/kube-apiserver-client'
  const csr = (organizations: string[], status: object = {}) =>
    made('certificates.k8s.io/v1', 'CertificateSigningRequest', {
      metadata: { name: 'c' },
      spec: {
        signerName: signer,
        request: Buffer.from(createKeyAndRequest({ commonName: 'jane', organizations }).request).toString('base64'),
      },
      status,
    })
  const about = { resource: 'certificatesigningrequests', namespace: '' }

  it('cannot make masters', async () => {
    await admit({ ...about, object: csr(['dev']) })
    await refused(
      { ...about, object: csr(['system:masters']) },
      /use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed/,
    )
  })

  it('are approved and signed by those who may for that signer', async () => {
    const update = (subresource: string, status: object) => ({
      ...about,
      operation: 'UPDATE' as const,
      subresource,
      object: csr([], status),
      previous: csr([]),
    })
    const approval = update('approval', { conditions: [{ type: 'Approved', status: 'True' }] })
    const signed = update('status', { certificate: 'x' })
    await refused(approval, /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/)
    await refused(signed, /not permitted to sign/)
    await admit(update('status', {}))
    allowed = ({ verb, resource, name }) => verb === 'approve' && resource === 'signers' && name === signer
    await admit(approval)
    await refused(signed, /not permitted to sign/)
    allowed = ({ verb, name }) => verb === 'sign' && name === 'kubernetes.io/*'
    await admit(signed)
  })
})
