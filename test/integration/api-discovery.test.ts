import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { startApi, type TestApi } from '../harness/api.ts'

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.stop())

interface ResourceInfo {
  name: string
  kind: string
  namespaced: boolean
  verbs: string[]
  shortNames?: string[]
  group?: string
}
const anybody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
const DISCOVERY = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' }

test('the version is that of the API we serve', async () => {
  const version = (await api.request('GET', '/version', undefined, {}, anybody)).json
  assert.equal(version['major'], '1')
  assert.equal(version['minor'], '36')
  assert.match(String(version['gitVersion']), /^v1\.36\.\d+\+coxswain$/)
})

test('groups, versions and resources, plainly', async () => {
  assert.deepEqual((await api.request('GET', '/api')).json['versions'], ['v1'])
  const groups = (await api.request('GET', '/apis')).json['groups'] as { name: string; preferredVersion: { groupVersion: string } }[]
  assert.ok(groups.some((group) => group.name === 'apps' && group.preferredVersion.groupVersion === 'apps/v1'))
  const one = (await api.request('GET', '/apis/apps')).json
  assert.equal(one['kind'], 'APIGroup')
  const core = (await api.request('GET', '/api/v1')).json['resources'] as ResourceInfo[]
  const pods = core.find((resource) => resource.name === 'pods')
  assert.deepEqual(pods?.verbs, ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])
  assert.deepEqual(pods?.shortNames, ['po'])
  assert.equal(core.find((resource) => resource.name === 'nodes')?.namespaced, false)
  assert.equal(core.find((resource) => resource.name === 'pods/eviction')?.group, 'policy')
  const apps = (await api.request('GET', '/apis/apps/v1')).json['resources'] as ResourceInfo[]
  assert.deepEqual(
    { ...apps.find((resource) => resource.name === 'deployments/scale') },
    {
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    },
  )
})

test('aggregated discovery has everything that plain discovery has', async () => {
  const aggregated: string[] = []
  for (const path of ['/api', '/apis']) {
    const answer = await api.request('GET', path, undefined, DISCOVERY)
    assert.match(String(answer.header('content-type')), /as=APIGroupDiscoveryList/)
    const items = answer.json['items'] as {
      metadata: { name?: string }
      versions: { version: string; resources: { resource: string; subresources?: { subresource: string }[] }[] }[]
    }[]
    for (const { metadata, versions } of items) {
      for (const { version, resources } of versions) {
        const prefix = metadata.name ? `${metadata.name}/${version}` : version
        for (const { resource, subresources = [] } of resources) {
          aggregated.push(`${prefix} ${resource}`, ...subresources.map((each) => `${prefix} ${resource}/${each.subresource}`))
        }
      }
    }
  }
  const plain: string[] = []
  const groups = (await api.request('GET', '/apis')).json['groups'] as { versions: { groupVersion: string }[] }[]
  for (const version of ['v1', ...groups.flatMap((group) => group.versions.map((each) => each.groupVersion))]) {
    const path = version === 'v1' ? '/api/v1' : `/apis/${version}`
    plain.push(...((await api.request('GET', path)).json['resources'] as ResourceInfo[]).map((resource) => `${version} ${resource.name}`))
  }
  assert.deepEqual(aggregated.sort(), plain.sort())
  assert.ok(plain.length > 40)
})

test('a client that has the aggregated document need not fetch it again', async () => {
  const tag = String((await api.request('GET', '/apis', undefined, DISCOVERY)).header('etag'))
  const again = await api.request('GET', '/apis', undefined, { ...DISCOVERY, 'if-none-match': tag })
  assert.equal(again.status, 304)
  assert.equal(again.text, '')
})

test('every resource that discovery names answers a list', async () => {
  const groups = (await api.request('GET', '/apis')).json['groups'] as { versions: { groupVersion: string }[] }[]
  for (const version of ['v1', ...groups.flatMap((group) => group.versions.map((each) => each.groupVersion))]) {
    const path = version === 'v1' ? '/api/v1' : `/apis/${version}`
    for (const { name, kind, verbs } of (await api.request('GET', path)).json['resources'] as ResourceInfo[]) {
      if (!verbs.includes('list')) continue
      const list = await api.request('GET', `${path}/${name}`)
      assert.equal(list.status, 200, `${path}/${name}: ${list.text}`)
      assert.equal(list.json['kind'], `${kind}List`)
      const table = await api.request('GET', `${path}/${name}`, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
      assert.equal(table.json['kind'], 'Table', `${path}/${name} as a table`)
    }
  }
})

test('health: one word for machines, every check for people', async () => {
  for (const path of ['/healthz', '/livez', '/readyz']) assert.equal((await api.request('GET', path, undefined, {}, anybody)).text, 'ok')
  const verbose = (await api.request('GET', '/readyz?verbose')).text
  assert.match(verbose, /^\[\+\]ping ok$/m)
  assert.match(verbose, /^readyz check passed$/m)
  assert.equal((await api.request('GET', '/readyz/ping')).text, 'ok')
})

test('metrics count what was asked', async () => {
  await api.request('GET', '/api/v1/nodes')
  const text = (await api.request('GET', '/metrics')).text
  assert.match(text, /apiserver_request_total\{verb="list",resource="nodes"\} [1-9]/)
  assert.match(text, /apiserver_storage_revision [1-9]/)
})

test('the root lists the paths', async () => {
  const paths = (await api.request('GET', '/')).json['paths'] as string[]
  for (const path of ['/api', '/api/v1', '/apis', '/apis/apps/v1', '/healthz', '/version', '/metrics'])
    assert.ok(paths.includes(path), path)
})
