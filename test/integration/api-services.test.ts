import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { smallestDefinition } from '../harness/custom-definitions.ts'
import { eventually } from '../harness/eventually.ts'

const API = 'apiregistration.k8s.io/v1'
const SERVICES = `/apis/${API}/apiservices`
const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'

async function listed(api: TestApi): Promise<Map<string, APIService>> {
  const { items } = await api.client().list(API, 'APIService', {})
  return new Map(items.map((item) => [item.metadata.name ?? '', item]))
}

test('every group version that is served has its local APIService', async (context) => {
  const api = await startApi({}, context)
  const { groups } = (await api.request('GET', '/apis')).json as unknown as { groups: { versions: { groupVersion: string }[] }[] }
  const versions = groups.flatMap((group) => group.versions.map(({ groupVersion }) => groupVersion.split('/')))
  const names = versions.map(([group, version]) => `${version}.${group}`).filter((name) => name !== 'v1.apiregistration.k8s.io')
  const services = await listed(api)
  assert.deepEqual([...services.keys()].sort(), ['v1.', ...names].sort())
  const apps = services.get('v1.apps')
  assert.deepEqual(apps?.spec, { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 })
  assert.equal(apps?.metadata.labels?.[MANAGED], 'onstart')
  assert.deepEqual(
    apps?.status.conditions?.map(({ type, status, reason }) => ({ type, status, reason })),
    [{ type: 'Available', status: 'True', reason: 'Local' }],
  )
  const table = await api.request('GET', `${SERVICES}/v1.apps`, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  assert.deepEqual((table.json as { rows?: { cells: unknown[] }[] }).rows?.[0]?.cells.slice(0, 3), ['v1.apps', 'Local', 'True'])
})

test("a custom group's APIService comes, is put right and goes with its definition", async (context) => {
  const api = await startApi({}, context)
  const name = 'v1.things.example.com'
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await api.request('POST', definitions, smallestDefinition('gadgets', 'things.example.com'))
  const client = api.client()
  const priorityIn = (services: APIService[]) => services.find(({ metadata }) => metadata.name === name)?.spec.versionPriority
  await eventually(client, [API, 'APIService'], (services) => priorityIn(services) === 100)
  const patched = await api.request(
    'PATCH',
    `${SERVICES}/${name}`,
    { spec: { versionPriority: 7 } },
    { 'content-type': 'application/merge-patch+json' },
  )
  assert.equal(patched.status, 200, patched.text)
  await eventually(client, [API, 'APIService'], (services) => priorityIn(services) === 100)
  await api.request('DELETE', `${SERVICES}/${name}`)
  await eventually(client, [API, 'APIService'], (services) => priorityIn(services) === 100)
  await api.request('DELETE', `${definitions}/gadgets.things.example.com`)
  await eventually(client, [API, 'APIService'], (services) => priorityIn(services) === undefined)
})

test('what is wrong with an APIService is said as upstream says it', async (context) => {
  const api = await startApi({}, context)
  const make = async (name: string, spec: object) => {
    const body = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name }, spec }
    return api.request('POST', SERVICES, body)
  }
  const right = { group: 'a.example.com', version: 'v1', groupPriorityMinimum: 10, versionPriority: 10 }
  const remote = { ...right, service: { namespace: 'n', name: 's' } }
  const caBundle = Buffer.from('x').toString('base64')
  const wrong: [string, object, RegExp][] = [
    [
      'v2.a.example.com',
      right,
      /metadata.name: Invalid value: "v2.a.example.com": must be `spec.version\+"."\+spec.group`: "v1.a.example.com"/,
    ],
    ['v2.', { ...right, group: '', version: 'v2' }, /spec.group: Required value: only v1 may have an empty group/],
    ['V1.a.example.com', { ...right, version: 'V1' }, /spec.version: Invalid value: "V1": a DNS-1035 label/],
    [
      'v1.a.example.com',
      { ...right, groupPriorityMinimum: 20_001 },
      /spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000/,
    ],
    ['v1.a.example.com', { ...right, versionPriority: 0 }, /spec.versionPriority: Invalid value: 0: must be positive and less than 1000/],
    ['v1.a.example.com', { ...right, caBundle }, /spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle/],
    ['v1.a.example.com', { ...right, insecureSkipTLSVerify: true }, /local APIServices may not have insecureSkipTLSVerify/],
    ['v1.a.example.com', { ...remote, caBundle, insecureSkipTLSVerify: true }, /may not be true if caBundle is present/],
    ['v1.a.example.com', { ...right, service: {} }, /spec.service.namespace: Required value, spec.service.name: Required value/],
    [
      'v1.a.example.com',
      { ...right, service: { namespace: 'n', name: 's', port: 70_000 } },
      /spec.service.port: Invalid value: 70000: port is not valid/,
    ],
  ]
  for (const [name, spec, why] of wrong) {
    const answer = await make(name, spec)
    assert.equal(answer.status, 422, answer.text)
    assert.match(String(answer.json['message']), why)
  }
  const made = await api.client().create(API, 'APIService', { metadata: { name: 'v1.a.example.com' }, spec: remote })
  assert.equal(made.spec.service?.port, 443)
})
