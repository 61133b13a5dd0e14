import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap, node, pod, serviceAccount } from '../harness/bodies.ts'
import { bodyOf, type DiscoveredResource, discoverResources } from '../harness/every-kind.ts'

interface Metadata {
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: { name: string }[]
}
interface Written {
  metadata: Metadata & { generation?: number }
  status: { conditions?: { type: string; reason?: string; lastTransitionTime?: string; lastUpdateTime?: string }[] }
  message: string
}

let api: TestApi
let resources: DiscoveredResource[]
before(async () => {
  api = await startApi()
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  resources = await discoverResources(async (path) => (await api.request('GET', path)).json)
})
after(() => api.stop())

const patch = async (path: string, body: object, user?: User) => {
  const { status, json } = await api.request('PATCH', path, body, { 'content-type': 'application/merge-patch+json' }, user)
  return { code: status, body: json as unknown as Written }
}
const collectionOf = ({ prefix, plural, namespaced }: DiscoveredResource) => `${prefix}${namespaced ? '/namespaces/default' : ''}/${plural}`

/** What upstream's status strategies keep, where they keep anything; a kind that is not here may change all four. */
const parts = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const
const kept: Readonly<Record<string, readonly (keyof Metadata)[]>> = {
  ...{ Deployment: ['labels'], Pod: ['ownerReferences'] },
  ...{ APIService: parts, ValidatingAdmissionPolicy: parts },
  ...{ CustomResourceDefinition: parts, ServiceCIDR: parts, FlowSchema: parts, PriorityLevelConfiguration: parts, VolumeAttachment: parts },
}
const change = {
  labels: { through: 'status' },
  annotations: { through: 'status' },
  finalizers: ['example.com/through-status'],
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'through-status', uid: 'u' }],
}

describe('a write of the status', () => {
  it('changes of the metadata what upstream lets through, for every kind, by patch and by update', async () => {
    const withStatus = resources.filter(({ subresources, verbs }) => subresources.includes('status') && verbs.includes('create'))
    assert.ok(withStatus.length >= 8, 'kinds with a status')
    for (const resource of withStatus) {
      for (const method of ['PATCH', 'PUT']) {
        // A kind of several versions has one store.
        const name = `by-${method.toLowerCase()}-${resource.prefix.split('/').at(-1)}`
        const made = await api.request('POST', collectionOf(resource), bodyOf(resource, name))
        assert.equal(made.status, 201, made.text)
        const current = made.json as unknown as Written
        const path = `${collectionOf(resource)}/${(current.metadata as { name?: string }).name}/status`
        // Whatever the server itself has written meanwhile (a definition's conditions) is no conflict.
        const metadata = { ...current.metadata, ...change, resourceVersion: undefined }
        const type = { 'content-type': method === 'PUT' ? 'application/json' : 'application/merge-patch+json' }
        const answer = await api.request(method, path, method === 'PUT' ? { ...current, metadata } : { metadata: change }, type)
        assert.equal(answer.status, 200, answer.text)
        const after = (answer.json as unknown as Written).metadata
        for (const part of parts) {
          const isKept = kept[resource.kind]?.includes(part) ?? false
          const [is, was, wanted] = [after[part], current.metadata[part], change[part]].map((value) => JSON.stringify(value ?? null))
          if (isKept) assert.equal(is, was, `${resource.kind} keeps its ${part}`)
          else assert.ok(is?.includes('through'), `${resource.kind} takes ${part} (${wanted}): ${is}`)
        }
        assert.equal(after.generation, current.metadata.generation, `${resource.kind}: no new wish`)
      }
    }
  })

  it('of a pod neither adds, changes nor removes what makes a mirror pod', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    const mirror = (value: string | null) => ({ metadata: { annotations: { 'kubernetes.io/config.mirror': value } } })
    await api.request('POST', pods, pod('plain'))
    await api.request('POST', pods, pod('mirror', { nodeName: 'n' }, mirror('x').metadata))
    for (const part of ['', '/status']) {
      const added = await patch(`${pods}/plain${part}`, mirror('x'))
      assert.equal(added.code, 422)
      assert.match(added.body.message, /metadata.annotations\[kubernetes.io\/config.mirror\]: Forbidden: may not add mirror pod annotation/)
      for (const value of ['y', null]) {
        const changed = await patch(`${pods}/mirror${part}`, mirror(value))
        assert.equal(changed.code, 422)
        assert.match(changed.body.message, /may not remove or update mirror pod annotation/)
      }
      assert.equal((await patch(`${pods}/mirror${part}`, { metadata: { annotations: { other: part } } })).code, 200)
    }
  })

  it('of a Node by itself gives it no owner, whose absence would delete it', async () => {
    await api.request('POST', '/api/v1/nodes', node('n'))
    const kubelet: User = { name: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] }
    for (const path of ['/api/v1/nodes/n', '/api/v1/nodes/n/status']) {
      const answer = await patch(path, { metadata: { ownerReferences: change.ownerReferences } }, kubelet)
      assert.equal(answer.code, 403)
      assert.match(answer.body.message, /node "n" is not allowed to modify ownerReferences/)
    }
  })
})

describe('a certificate request', () => {
  it('takes any condition and metadata with its approval, and a signer changes no decision', async () => {
    const requests = resources.find(({ kind }) => kind === 'CertificateSigningRequest')!
    assert.equal((await api.request('POST', `${requests.prefix}/certificatesigningrequests`, bodyOf(requests, 'asked'))).status, 201)
    const path = `${requests.prefix}/certificatesigningrequests/asked`
    const foreign = { type: 'ApprovalPatch', status: 'True', reason: 'e2e' }
    const approved = { type: 'Approved', status: 'True', reason: 'Tested' }
    const first = await patch(`${path}/approval`, { metadata: { annotations: { patched: 'approval' } }, status: { conditions: [foreign] } })
    assert.equal(first.code, 200, first.body.message)
    assert.deepEqual([first.body.status.conditions?.[0]?.type, first.body.metadata.annotations?.['patched']], ['ApprovalPatch', 'approval'])
    const second = await patch(`${path}/approval`, { status: { conditions: [...(first.body.status.conditions ?? []), approved] } })
    const conditions = second.body.status.conditions ?? []
    assert.deepEqual(
      conditions.map(({ type }) => type),
      ['ApprovalPatch', 'Approved'],
    )
    assert.ok(conditions.every(({ lastUpdateTime, lastTransitionTime }) => lastUpdateTime && lastTransitionTime))
    const signed = await patch(`${path}/status`, {
      metadata: { annotations: { patched: 'status' } },
      status: {
        conditions: [
          { ...approved, reason: 'Mine' },
          { type: 'StatusPatch', status: 'True' },
        ],
      },
    })
    assert.equal(signed.code, 200, signed.body.message)
    assert.deepEqual(
      signed.body.status.conditions?.map(({ type, reason }) => `${type} ${reason}`),
      ['Approved Tested', 'StatusPatch undefined'],
    )
    assert.equal(signed.body.metadata.annotations?.['patched'], 'status')
  })
})

describe('a refusal', () => {
  it('of what is too big says which part is', async () => {
    const big = 'x'.repeat(700_000)
    const maps = '/api/v1/namespaces/default/configmaps'
    const answer = await api.request(
      'POST',
      maps,
      configMap('big', { data: { a: big, b: 'x'.repeat(400_000) }, binaryData: { c: 'eA==' } }),
    )
    assert.match(answer.text, /ConfigMap \\"big\\" is invalid: data: Too long: may not be more than 1048576 bytes/)
  })

  it('of a field selector lists the fields that the kind can be selected by', async () => {
    const message = async (path: string) => (await api.request('GET', `${path}?fieldSelector=spec.none%3Dx`)).json['message']
    const pods = String(await message('/api/v1/pods'))
    assert.match(pods, /^"spec.none" is not a known field selector: only "metadata.name", "metadata.namespace", "spec.nodeName", /)
    assert.equal(await message('/api/v1/nodes'), '"spec.none" is not a known field selector: only "metadata.name", "spec.unschedulable"')
  })
})
