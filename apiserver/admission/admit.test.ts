import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { admissionTrial, made, madePod as pod } from '../../test/harness/admission-trial.ts'

let { world, reader, admit, refused } = admissionTrial()
beforeEach(() => {
  ;({ world, reader, admit, refused } = admissionTrial())
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

describe('runtime classes', () => {
  it('must be there; overhead comes from them alone', async () => {
    await refused({ object: pod({ runtimeClassName: 'gvisor' }) }, 'pods "web" is forbidden: pod rejected: RuntimeClass "gvisor" not found')
    const overhead = 'pods "web" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
    await refused({ object: pod({ overhead: { cpu: '1' } }) }, overhead)
    await admit({ object: pod({ overhead: {} }) })
  })

  it('give their overhead, and lead pods to where they are', async () => {
    reader.put('node.k8s.io/v1', 'RuntimeClass', {
      ...{ metadata: { name: 'sandbox' }, handler: 'runsc', overhead: { podFixed: { cpu: '250m' } } },
      scheduling: { nodeSelector: { sandbox: 'yes' }, tolerations: [{ key: 'sandbox', operator: 'Exists' }] },
    })
    const tolerations = [{ key: 'sandbox', operator: 'Equal', value: 'a', effect: 'NoSchedule' }]
    const object = pod({ runtimeClassName: 'sandbox', nodeSelector: { disk: 'ssd' }, tolerations })
    await admit({ object })
    assert.deepEqual(object.spec.overhead, { cpu: '250m' })
    assert.deepEqual(object.spec.nodeSelector, { disk: 'ssd', sandbox: 'yes' })
    assert.deepEqual(object.spec.tolerations?.[0], { key: 'sandbox', operator: 'Exists' })
    assert.ok(!object.spec.tolerations?.some(({ value }) => value === 'a'), 'what another toleration covers is left out')
    await admit({ object: pod({ runtimeClassName: 'sandbox', overhead: { cpu: '0.25' } }) })
    await refused(
      { object: pod({ runtimeClassName: 'sandbox', overhead: { cpu: '1' } }) },
      "pods \"web\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    )
    await refused(
      { object: pod({ runtimeClassName: 'sandbox', nodeSelector: { sandbox: 'no' } }) },
      'pods "web" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no',
    )
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
    assert.equal(world.slept, 0)
  })

  it('that a controller is about to make are waited for, for a second', async () => {
    reader.remove('v1', 'ServiceAccount', 'default/default')
    world.onSleep = () => {
      if (world.slept > 200) reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'default' } })
    }
    await admit({ object: pod() })
    reader.remove('v1', 'ServiceAccount', 'default/default')
    world.onSleep = () => {}
    world.slept = 0
    await refused({ object: pod() }, /serviceaccount "default" not found/)
    assert.equal(world.slept, 1000)
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

describe('certificate requests', () => {
  const signer = 'kubernetes.io/kube-apiserver-client'
  const csr = async (organizations: string[], status: object = {}) =>
    made('certificates.k8s.io/v1', 'CertificateSigningRequest', {
      metadata: { name: 'c' },
      spec: {
        signerName: signer,
        request: Buffer.from((await createKeyAndRequest({ commonName: 'jane', organizations })).request).toString('base64'),
      },
      status,
    })
  const about = { resource: 'certificatesigningrequests', namespace: '' }

  it('cannot make masters', async () => {
    await admit({ ...about, object: await csr(['dev']) })
    await refused(
      { ...about, object: await csr(['system:masters']) },
      /use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed/,
    )
  })

  it('are approved and signed by those who may for that signer', async () => {
    const update = async (subresource: string, status: object) => ({
      ...about,
      operation: 'UPDATE' as const,
      subresource,
      object: await csr([], status),
      previous: await csr([]),
    })
    const approval = await update('approval', { conditions: [{ type: 'Approved', status: 'True' }] })
    const signed = await update('status', { certificate: 'x' })
    await refused(approval, /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/)
    await refused(signed, /not permitted to sign/)
    await admit(await update('status', {}))
    world.allowed = ({ verb, resource, name }) => verb === 'approve' && resource === 'signers' && name === signer
    await admit(approval)
    await refused(signed, /not permitted to sign/)
    world.allowed = ({ verb, name }) => verb === 'sign' && name === 'kubernetes.io/*'
    await admit(signed)
  })
})
