import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import type { IPAddress } from '../../shared/openapi/generated/networking-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { type Answer, startApi } from '../harness/api.ts'
import { apiServerProcess } from '../harness/apiserver-process.ts'
import { eventually } from '../harness/eventually.ts'

const NETWORKING = '/apis/networking.k8s.io/v1'
const service = (name: string, spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: { ports: [{ port: 80 }], ...spec },
})
const parentOf = ({ json }: Answer) => (json['spec'] as { parentRef?: object } | undefined)?.parentRef
const ipOf = ({ json }: Answer) => (json['spec'] as { clusterIP?: string }).clusterIP ?? ''

/** Services without an IPAddress that is theirs, and the allocator's IPAddresses without a Service. */
function mismatchesOf(services: readonly Service[], addresses: readonly IPAddress[]): string[] {
  const held = services.flatMap(({ metadata, spec }) =>
    (spec.clusterIPs ?? []).filter((ip) => ip !== 'None').map((ip) => `${ip} ${metadata.namespace}/${metadata.name}`),
  )
  const said = addresses.map(({ metadata, spec }) => `${metadata.name} ${spec.parentRef?.namespace}/${spec.parentRef?.name}`)
  return [...held.filter((each) => !said.includes(each)), ...said.filter((each) => !held.includes(each))]
}

async function mismatches(client: Client): Promise<string[]> {
  const services = await client.list('v1', 'Service', {})
  return mismatchesOf(services.items, (await client.list('networking.k8s.io/v1', 'IPAddress', {})).items)
}

describe('IPAddresses of Services', () => {
  test('come and go with the Service, at once, whoever changes it', async (t) => {
    const api = await startApi({}, t)
    const services = '/api/v1/namespaces/default/services'
    assert.deepEqual(parentOf(await api.request('GET', `${NETWORKING}/ipaddresses/10.96.0.1`)), {
      ...{ resource: 'services', namespace: 'default', name: 'kubernetes' },
    })
    const dry = await api.request('POST', `${services}?dryRun=All`, service('dry', { clusterIP: '10.96.9.9' }))
    assert.equal(dry.status, 201)
    assert.equal((await api.request('GET', `${NETWORKING}/ipaddresses/10.96.9.9`)).status, 404)
    for (const round of [1, 2]) {
      const ask = () => api.request('POST', services, service('web', { clusterIP: '10.96.9.9' }))
      let made = await ask()
      // The allocator hears of a removal a turn later.
      for (let tries = 0; made.status === 422 && tries < 1_000; tries += 1) made = await ask()
      assert.equal(made.status, 201, `round ${round}: ${made.text}`)
      const address = await api.request('GET', `${NETWORKING}/ipaddresses/10.96.9.9`)
      assert.deepEqual(parentOf(address), { resource: 'services', namespace: 'default', name: 'web' })
      assert.deepEqual((address.json['metadata'] as { labels: object }).labels, {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      })
      const patch = (body: object) => api.request('PATCH', `${services}/web`, body, { 'content-type': 'application/merge-patch+json' })
      assert.equal((await patch({ spec: { type: 'ExternalName', externalName: 'a.example.com' } })).status, 200)
      assert.equal((await api.request('GET', `${NETWORKING}/ipaddresses/10.96.9.9`)).status, 404)
      const back = await patch({ spec: { type: 'ClusterIP', externalName: null } })
      assert.equal((await api.request('GET', `${NETWORKING}/ipaddresses/${ipOf(back)}`)).status, 200)
      assert.equal((await api.request('DELETE', `${services}/web`)).status, 200)
      assert.equal((await api.request('GET', `${NETWORKING}/ipaddresses/${ipOf(back)}`)).status, 404)
    }
    assert.equal((await api.request('POST', services, service('none', { clusterIP: 'None' }))).status, 201)
    assert.deepEqual(await mismatches(api.client()), [])
  })

  test('an address is one thing’s: people’s and Services’ keep each other out', async (t) => {
    const api = await startApi({}, t)
    const address = (name: string, parentRef: object) =>
      api.request('POST', `${NETWORKING}/ipaddresses`, { metadata: { name }, spec: { parentRef } })
    const gateway = { group: 'example.com', resource: 'gateways', name: 'edge' }
    assert.equal((await address('10.96.7.7', gateway)).status, 201)
    const refused = await api.request('POST', '/api/v1/namespaces/default/services', service('late', { clusterIP: '10.96.7.7' }))
    assert.match(refused.text, /provided IP is already allocated|ipaddresses\.networking\.k8s\.io \\"10\.96\.7\.7\\" already exists/)
    assert.equal((await api.request('GET', '/api/v1/namespaces/default/services/late')).status, 404)
    assert.equal((await address('10.96.0.1', gateway)).status, 409)
    assert.equal((await api.request('DELETE', `${NETWORKING}/ipaddresses/10.96.7.7`)).status, 200)
    assert.equal(
      (await api.request('POST', '/api/v1/namespaces/default/services', service('late', { clusterIP: '10.96.7.7' }))).status,
      201,
    )
  })

  test('what is deleted, left over or says something else is repaired', async (t) => {
    const clock = manualClock()
    const api = await startApi({ clock }, t)
    const client = api.client()
    await api.request('POST', '/api/v1/namespaces/default/services', service('web', { clusterIP: '10.96.9.9' }))
    await client.delete('networking.k8s.io/v1', 'IPAddress', { name: '10.96.9.9' })
    const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io', 'ipaddress.kubernetes.io/ip-family': 'IPv4' }
    for (const [name, finalizers] of [
      ['10.96.9.10', []],
      ['10.96.9.11', ['example.com/hold']],
    ] as const) {
      const spec = { parentRef: { resource: 'services', namespace: 'default', name: 'gone' } }
      await client.create('networking.k8s.io/v1', 'IPAddress', { metadata: { name, labels, finalizers: [...finalizers] }, spec })
    }
    assert.equal((await mismatches(client)).length, 3)
    await clock.advance(1_000)
    await clock.settle()
    assert.deepEqual(await mismatches(client), ['10.96.9.11 default/gone'])
    const { metadata } = await client.get('networking.k8s.io/v1', 'IPAddress', { name: '10.96.9.11' })
    assert.ok(metadata.deletionTimestamp, 'deleted, and held by whoever put the finalizer there')
  })

  test('agree with the Services after a kill in the middle of writing', { timeout: 60_000 }, async (t) => {
    const server = await apiServerProcess()
    t.after(() => server.remove())
    const connect = () => connectClient({ kubeconfig: server.kubeconfig, clock: realClock(), userAgent: 'test' })
    await server.start()
    let connection = connect()
    let acknowledged = 0
    const writes = Array.from({ length: 200 }, async (_, index) => {
      await connection.client.create('v1', 'Service', {
        metadata: { name: `s${index}`, namespace: 'default' },
        spec: { ports: [{ port: 80 }] },
      })
      acknowledged += 1
      if (acknowledged === 40) await server.kill()
    })
    await Promise.allSettled(writes)
    connection.close()
    await server.start()
    connection = connect()
    t.after(() => connection.close())
    const { items: services } = await connection.client.list('v1', 'Service', {})
    assert.ok(services.length > acknowledged, `${services.length} of at least ${acknowledged}, and kubernetes`)
    await eventually(connection.client, ['networking.k8s.io/v1', 'IPAddress'], (all) => mismatchesOf(services, all).length === 0, {})
  })
})

describe('ServiceCIDRs', () => {
  test('are checked as upstream does, and shown by kubectl', async (t) => {
    const api = await startApi({}, t)
    const post = (kind: string, name: string, spec: object) => api.request('POST', `${NETWORKING}/${kind}`, { metadata: { name }, spec })
    const parentRef = { resource: 'services', name: 'a' }
    for (const [kind, name, spec, told] of [
      ['ipaddresses', '10.96.000.1', { parentRef }, 'must be a valid IP address'],
      ['ipaddresses', 'FD00::1', { parentRef }, 'must be in canonical form (\\"fd00::1\\")'],
      ['ipaddresses', '::ffff:10.0.0.1', { parentRef }, 'IPv4-mapped'],
      ['ipaddresses', '10.0.0.1', {}, 'spec.parentRef: Required value'],
      ['ipaddresses', '10.0.0.1', { parentRef: { group: '_', name: 'a/b' } }, 'spec.parentRef.resource: Required value'],
      ['servicecidrs', 'none', {}, 'spec.cidrs: Required value: at least one CIDR required'],
      ['servicecidrs', 'many', { cidrs: ['10.1.0.0/16', '10.2.0.0/16', 'fd00::/64'] }, 'may only hold up to 2 values'],
      ['servicecidrs', 'twice', { cidrs: ['10.1.0.0/16', '10.2.0.0/16'] }, 'no more than one IP for each IP family'],
      ['servicecidrs', 'bits', { cidrs: ['10.1.0.1/16'] }, 'must be in canonical form (\\"10.1.0.0/16\\")'],
      ['servicecidrs', 'text', { cidrs: ['x'] }, 'spec.cidrs[0]: Invalid value'],
    ] as const) {
      const answer = await post(kind, name, spec)
      assert.equal(answer.status, 422, `${name}: ${answer.text}`)
      assert.ok(answer.text.includes(told), `${name}: ${answer.text}`)
    }
    for (const [kind, name, spec, other] of [
      ['ipaddresses', '10.0.0.1', { parentRef }, { parentRef: { ...parentRef, name: 'b' } }],
      ['servicecidrs', 'more', { cidrs: ['10.1.0.0/16'] }, { cidrs: ['10.2.0.0/16'] }],
    ] as const) {
      assert.equal((await post(kind, name, spec)).status, 201)
      const changed = await api.request('PUT', `${NETWORKING}/${kind}/${name}`, { metadata: { name }, spec: other })
      assert.match(changed.text, /field is immutable/)
    }
    const table = async (kind: string) => {
      const { json } = await api.request('GET', `${NETWORKING}/${kind}`, undefined, {
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
      })
      const { columnDefinitions, rows } = json as unknown as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] }
      return [columnDefinitions.map(({ name }) => name), rows[0]?.cells.slice(0, 2)]
    }
    assert.deepEqual(await table('ipaddresses'), [
      ['Name', 'ParentRef', 'Age'],
      ['10.0.0.1', 'services/a'],
    ])
    assert.deepEqual(await table('servicecidrs'), [
      ['Name', 'CIDRs', 'Age'],
      ['kubernetes', '10.96.0.0/16'],
    ])
  })

  test('widen the range once they are ready, and stay while Services have addresses of them', async (t) => {
    const cluster = await startCluster({ controllers: ['service-cidrs'] })
    t.after(() => cluster.stop())
    const { client, clock } = cluster
    const range = async (name: string) => client.get('networking.k8s.io/v1', 'ServiceCIDR', { name })
    const make = (name: string, clusterIP: string) =>
      client.create('v1', 'Service', { metadata: { name, namespace: 'default' }, spec: { clusterIP, ports: [{ port: 80 }] } })
    await assert.rejects(make('early', '10.112.0.9'), /not in the valid range. The range of valid IPs is 10\.96\.0\.0\/16/)
    await client.create('networking.k8s.io/v1', 'ServiceCIDR', { metadata: { name: 'more' }, spec: { cidrs: ['10.112.0.0/28'] } })
    await clock.advance(1_000)
    for (const name of ['kubernetes', 'more']) {
      const { metadata, status } = await range(name)
      assert.deepEqual([metadata.finalizers, status.conditions?.[0]?.status], [['networking.k8s.io/service-cidr-finalizer'], 'True'], name)
    }
    await make('web', '10.112.0.9')
    assert.equal((await client.get('networking.k8s.io/v1', 'IPAddress', { name: '10.112.0.9' })).spec.parentRef?.name, 'web')
    await client.delete('networking.k8s.io/v1', 'ServiceCIDR', { name: 'more' })
    await client.delete('networking.k8s.io/v1', 'ServiceCIDR', { name: 'kubernetes' })
    await clock.advance(60_000)
    assert.deepEqual(
      [(await range('more')).status.conditions?.[0]?.reason, (await range('kubernetes')).status.conditions?.[0]?.status],
      ['Terminating', 'False'],
    )
    await assert.rejects(make('late', '10.112.0.10'), /not in the valid range/, 'nothing more is given from it')
    await client.delete('v1', 'Service', { namespace: 'default', name: 'web' })
    await clock.advance(20_000)
    await assert.rejects(range('more'), /not found/)
    assert.equal((await range('kubernetes')).metadata.name, 'kubernetes', 'the API server’s own Service is in it')
  })
})
