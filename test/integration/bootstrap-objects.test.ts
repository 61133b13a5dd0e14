import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ServedApi, serveApi } from '../harness/served-api.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const FLOWS = '/apis/flowcontrol.apiserver.k8s.io/v1'
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses'
const MERGE = 'application/merge-patch+json'

const get = async (api: ServedApi, path: string) => {
  const { code, body } = await api.call(api.admin, 'GET', path)
  assert.equal(code, 200, `${path}: ${JSON.stringify(body)}`)
  return body
}
const change = async (api: ServedApi, method: string, path: string, body?: object) => {
  const answer = await api.call(api.admin, method, path, body, MERGE)
  assert.equal(answer.code, 200, `${path}: ${JSON.stringify(answer.body)}`)
}

describe('the objects every cluster has', () => {
  it('are there when the server is ready', async () => {
    const api = await serveApi()
    try {
      for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) await get(api, `/api/v1/namespaces/${name}`)
      const service = await get(api, '/api/v1/namespaces/default/services/kubernetes')
      assert.equal(service.spec.clusterIP, '10.96.0.1')
      const slice = await get(api, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
      assert.deepEqual(slice.endpoints[0].addresses, ['192.0.2.1'])
      assert.equal((await get(api, '/api/v1/namespaces/kube-system/services/kube-dns')).spec.clusterIP, '10.96.0.10')
      assert.equal((await get(api, '/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical')).value, 2_000_001_000)
      assert.equal((await get(api, `${CLASSES}/standard`)).volumeBindingMode, 'WaitForFirstConsumer')
      const card = await get(api, '/api/v1/namespaces/kube-public/configmaps/cluster-info')
      assert.match(card.data.kubeconfig, /certificate-authority-data: [A-Za-z0-9+/=]+\n/)
      assert.doesNotMatch(card.data.kubeconfig, /client-key|token/)
    } finally {
      await api.stop()
    }
  })

  it('have no default storage class beside one that people chose instead', async () => {
    const first = await serveApi(['--storage=leveldb'])
    const mine = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'mine' }, provisioner: 'example.com/x' }
    assert.equal((await first.call(first.admin, 'POST', CLASSES, mine, 'application/json')).code, 201)
    await change(first, 'DELETE', `${CLASSES}/standard`)
    await first.stop({ keep: true })
    const second = await serveApi(['--storage=leveldb'], first.directory)
    try {
      const { items } = await get(second, CLASSES)
      assert.deepEqual(
        items.map((item: { metadata: { name: string } }) => item.metadata.name),
        ['mine'],
      )
    } finally {
      await second.stop()
    }
  })

  it('are repaired by the next start, except where somebody changed them on purpose', async () => {
    const first = await serveApi(['--storage=leveldb'])
    await change(first, 'DELETE', `${RBAC}/clusterroles/view`)
    await change(first, 'DELETE', '/api/v1/namespaces/kube-system/services/kube-dns')
    await change(first, 'PATCH', `${RBAC}/clusterroles/system:kube-scheduler`, { rules: [] })
    await change(first, 'PATCH', `${RBAC}/clusterrolebindings/system:kube-scheduler`, {
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'mine' }],
    })
    const kept = { metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }, rules: [] }
    await change(first, 'PATCH', `${RBAC}/clusterroles/system:public-info-viewer`, kept)
    await change(first, 'PATCH', `${FLOWS}/flowschemas/service-accounts`, { spec: { matchingPrecedence: 9_001 } })
    const mine = { metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } }, spec: { matchingPrecedence: 9_901 } }
    await change(first, 'PATCH', `${FLOWS}/flowschemas/global-default`, mine)
    await change(first, 'PATCH', `${FLOWS}/flowschemas/probes`, {
      ...{ metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': null } }, spec: { matchingPrecedence: 3 } },
    })
    await first.stop({ keep: true })

    const second = await serveApi(['--storage=leveldb', '--advertise-address=192.0.2.9'], first.directory)
    try {
      assert.ok((await get(second, `${RBAC}/clusterroles/view`)).rules.length > 3)
      assert.equal((await get(second, `${FLOWS}/flowschemas/service-accounts`)).spec.matchingPrecedence, 9_000)
      assert.equal((await get(second, `${FLOWS}/flowschemas/global-default`)).spec.matchingPrecedence, 9_901)
      const probes = await get(second, `${FLOWS}/flowschemas/probes`)
      assert.equal(probes.spec.matchingPrecedence, 3)
      assert.equal(probes.metadata.annotations['apf.kubernetes.io/autoupdate-spec'], 'false', 'changed before anybody said whose it is')
      await get(second, '/api/v1/namespaces/kube-system/services/kube-dns')
      assert.ok((await get(second, `${RBAC}/clusterroles/system:kube-scheduler`)).rules.length > 3)
      const { subjects } = await get(second, `${RBAC}/clusterrolebindings/system:kube-scheduler`)
      assert.deepEqual(
        subjects.map(({ name }: { name: string }) => name),
        ['mine', 'system:kube-scheduler'],
      )
      assert.deepEqual((await get(second, `${RBAC}/clusterroles/system:public-info-viewer`)).rules, [])
      assert.equal((await second.call({}, 'GET', '/version')).code, 403)
      const slice = await get(second, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
      assert.deepEqual(slice.endpoints[0].addresses, ['192.0.2.9'], 'it goes where the server is now')
      const endpoints = await get(second, '/api/v1/namespaces/default/endpoints/kubernetes')
      assert.equal(endpoints.subsets[0].addresses[0].ip, '192.0.2.9')
    } finally {
      await second.stop()
    }
  })

  it('get back what is missing, and keep what people added', async () => {
    const first = await serveApi(['--storage=leveldb'])
    const reference = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole' }
    const mine = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'mine' }
    // An aggregated role that aggregates no more, marks taken or changed, a rule and a subject of somebody's own.
    await change(first, 'PATCH', `${RBAC}/clusterroles/edit`, {
      aggregationRule: null,
      metadata: { labels: null, annotations: { note: 'kept' } },
    })
    const ownRule = { verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] }
    await change(first, 'PATCH', `${RBAC}/clusterroles/system:kube-dns`, {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
      rules: [ownRule],
      metadata: { labels: { 'kubernetes.io/bootstrapping': 'mine' } },
    })
    await change(first, 'PATCH', `${RBAC}/namespaces/kube-system/roles/system::leader-locking-kube-scheduler`, { rules: [] })
    await change(first, 'PATCH', `${RBAC}/namespaces/kube-public/rolebindings/system:controller:bootstrap-signer`, { subjects: [mine] })
    // A binding that lends another role, and one that does so on purpose.
    for (const [name, autoupdate] of [
      ['system:volume-scheduler', 'true'],
      ['system:monitoring', 'false'],
    ] as const) {
      await change(first, 'DELETE', `${RBAC}/clusterrolebindings/${name}`)
      const metadata = { name, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': autoupdate } }
      const binding = { metadata, roleRef: { ...reference, name: 'view' }, subjects: [mine] }
      assert.equal((await first.call(first.admin, 'POST', `${RBAC}/clusterrolebindings`, binding)).code, 201)
    }
    await first.stop({ keep: true })

    const second = await serveApi(['--storage=leveldb'], first.directory)
    try {
      const edit = await get(second, `${RBAC}/clusterroles/edit`)
      assert.deepEqual(edit.aggregationRule.clusterRoleSelectors, [
        { matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
      ])
      assert.equal(edit.metadata.labels['rbac.authorization.k8s.io/aggregate-to-admin'], 'true')
      assert.equal(edit.metadata.annotations.note, 'kept')
      const dns = await get(second, `${RBAC}/clusterroles/system:kube-dns`)
      assert.equal(dns.aggregationRule, undefined, 'it never aggregated')
      assert.deepEqual(dns.rules[0], ownRule)
      assert.ok(dns.rules.length > 1)
      assert.equal(dns.metadata.labels['kubernetes.io/bootstrapping'], 'mine')
      const leading = await get(second, `${RBAC}/namespaces/kube-system/roles/system::leader-locking-kube-scheduler`)
      assert.ok(leading.rules.length > 0)
      const signer = await get(second, `${RBAC}/namespaces/kube-public/rolebindings/system:controller:bootstrap-signer`)
      assert.deepEqual(
        signer.subjects.map(({ name }: { name: string }) => name),
        ['mine', 'bootstrap-signer'],
      )
      const remade = await get(second, `${RBAC}/clusterrolebindings/system:volume-scheduler`)
      assert.equal(remade.roleRef.name, 'system:volume-scheduler')
      assert.deepEqual(
        remade.subjects.map(({ name }: { name: string }) => name),
        ['system:kube-scheduler'],
      )
      assert.equal((await get(second, `${RBAC}/clusterrolebindings/system:monitoring`)).roleRef.name, 'view')
    } finally {
      await second.stop()
    }
  })

  it('cost nothing when they are there: a start changes no object', async () => {
    const args = ['--storage=leveldb', '--advertise-url=https://127.0.0.1:6443']
    const revisionOf = async (api: ServedApi) => (await get(api, '/api/v1/namespaces')).metadata.resourceVersion
    const slice = (api: ServedApi) => get(api, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
    const first = await serveApi(args)
    const before = [await revisionOf(first), (await slice(first)).ports[0].port]
    await first.stop({ keep: true })
    const second = await serveApi([...args, `--secure-port=${before[1]}`], first.directory)
    assert.deepEqual([await revisionOf(second), (await slice(second)).ports[0].port], before)
    await second.stop()
  })
})
