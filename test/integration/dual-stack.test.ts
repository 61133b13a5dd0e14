import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { type Answer, startApi } from '../harness/api.ts'

const RANGES = '10.96.0.0/16,fd00:10:96::/112'
const BOTH = [`--service-cluster-ip-range=${RANGES}`, '--dns-address=10.96.0.10,fd00:10:96::a', '--advertise-address=192.0.2.1']
const SERVICES = '/api/v1/namespaces/default/services'
const merge = { 'content-type': 'application/merge-patch+json' }
const specOf = ({ json }: Answer) => json['spec'] as Service['spec']
const service = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })

describe('a server with a range of each family', () => {
  test('gives a Service an address of each, with an IPAddress, and takes the second back', async (t) => {
    const api = await startApi({ args: BOTH }, t)
    const addresses = async () => {
      const { items } = await api.client().list('networking.k8s.io/v1', 'IPAddress', {})
      const own = items.filter(({ spec }) => spec.parentRef?.name === 'web')
      return own.map(({ metadata }) => [metadata.name, metadata.labels?.['ipaddress.kubernetes.io/ip-family']]).sort()
    }
    const wish = { clusterIP: '10.96.9.9', clusterIPs: ['10.96.9.9', 'fd00:10:96::99'], ipFamilyPolicy: 'PreferDualStack' }
    const made = await api.request('POST', SERVICES, service('web', wish))
    assert.equal(made.status, 201, made.text)
    assert.deepEqual([specOf(made).clusterIPs, specOf(made).ipFamilies], [wish.clusterIPs, ['IPv4', 'IPv6']])
    assert.deepEqual(await addresses(), [
      ['10.96.9.9', 'IPv4'],
      ['fd00:10:96::99', 'IPv6'],
    ])
    const single = await api.request('PATCH', `${SERVICES}/web`, { spec: { ipFamilyPolicy: 'SingleStack' } }, merge)
    assert.deepEqual([specOf(single).clusterIPs, specOf(single).ipFamilies], [['10.96.9.9'], ['IPv4']])
    assert.deepEqual(await addresses(), [['10.96.9.9', 'IPv4']])
    const again = await api.request('PATCH', `${SERVICES}/web`, { spec: { ipFamilyPolicy: 'RequireDualStack' } }, merge)
    assert.match(specOf(again).clusterIPs?.[1] ?? '', /^fd00:10:96::/)
    assert.equal((await addresses()).length, 2)
    const clash = await api.request(
      'POST',
      SERVICES,
      service('other', { ...wish, clusterIP: '10.96.9.8', clusterIPs: ['10.96.9.8', specOf(again).clusterIPs?.[1]] }),
    )
    assert.match(clash.text, /spec\.clusterIPs: Invalid value.*provided IP is already allocated/)
    assert.equal((await api.request('POST', SERVICES, service('free', { clusterIP: '10.96.9.8' }))).status, 201, 'the first was given back')
    const six = await api.request('POST', SERVICES, service('six', { ipFamilies: ['IPv6'] }))
    assert.match(specOf(six).clusterIP ?? '', /^fd00:10:96::/)
  })

  test('says so of itself: ServiceCIDR, cluster DNS, certificate; `kubernetes` stays of the advertised family', async (t) => {
    const api = await startApi({ args: BOTH }, t)
    const client = api.client()
    const { spec } = await client.get('networking.k8s.io/v1', 'ServiceCIDR', { name: 'kubernetes' })
    assert.deepEqual(spec.cidrs, RANGES.split(','))
    const dns = await client.get('v1', 'Service', { namespace: 'kube-system', name: 'kube-dns' })
    assert.deepEqual(dns.spec.clusterIPs, ['10.96.0.10', 'fd00:10:96::a'])
    const own = await client.get('v1', 'Service', { namespace: 'default', name: 'kubernetes' })
    assert.deepEqual([own.spec.clusterIPs, own.spec.ipFamilies], [['10.96.0.1'], ['IPv4']])
    const { subjectAltName = '' } = new X509Certificate(api.server.credentials.serving.certificate)
    for (const name of ['10.96.0.1', 'FD00:10:96:0:0:0:0:1']) assert.ok(subjectAltName.includes(name), subjectAltName)
    for (const address of ['10.96.7.7', 'fd00:10:96::77']) {
      const node = { metadata: { name: 'a' }, status: { addresses: [{ type: 'InternalIP', address }] } }
      assert.match((await api.request('POST', '/api/v1/nodes', node)).text, /belongs to Services/, address)
    }
  })

  test('begins with one family, goes on with two, and goes back only when nothing holds an address of the second', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'coxswain-families-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const start = (args: readonly string[]) =>
      startApi({ args: ['--storage=leveldb', '--data-dir', dir, '--advertise-address=192.0.2.1', ...args] })
    const one = await start([])
    await one.request('POST', SERVICES, service('wish', { ipFamilyPolicy: 'PreferDualStack' }))
    await one.stop()
    const two = await start(BOTH)
    const client = two.client()
    assert.deepEqual((await client.get('networking.k8s.io/v1', 'ServiceCIDR', { name: 'kubernetes' })).spec.cidrs, RANGES.split(','))
    const dns = () => client.get('v1', 'Service', { namespace: 'kube-system', name: 'kube-dns' })
    assert.deepEqual((await dns()).spec.clusterIPs, ['10.96.0.10', 'fd00:10:96::a'])
    assert.equal(
      (await client.get('v1', 'Service', { namespace: 'default', name: 'wish' })).spec.clusterIPs?.length,
      1,
      'not changed unasked',
    )
    await two.stop()
    await assert.rejects(start([]), /no range of IPv6 any more.*fd00:10:96::a is kube-system\/kube-dns's\. Start with that range/)
    const back = await start(BOTH)
    await back.request('PATCH', '/api/v1/namespaces/kube-system/services/kube-dns', { spec: { ipFamilyPolicy: 'SingleStack' } }, merge)
    await back.stop()
    await (await start([])).stop()
  })

  test('refuses flags that do not belong together, in one sentence', async () => {
    for (const [args, told] of [
      [
        [`--service-cluster-ip-range=${RANGES}`, '--pod-routes=10.244.0.0/16'],
        /--service-cluster-ip-range has ranges of IPv4, then IPv6, --pod-routes of IPv4/,
      ],
      [
        ['--service-cluster-ip-range=fd00::/112', '--dns-address=fd00::a', '--advertise-address=192.0.2.1'],
        /192\.0\.2\.1 is of IPv4, and .* no range of that family/,
      ],
      [['--dns-address=10.97.0.10'], /--dns-address: 10\.97\.0\.10 is not in the range/],
      [[`--service-cluster-ip-range=${RANGES}`, '--dns-address=10.96.0.10,10.96.0.11'], /one address, or one of each family/],
      [['--service-cluster-ip-range=10.96.0.0/31'], /prefix of a range of IPv4 is from \/8 to \/30/],
      [['--service-cluster-ip-range=fd00::/48', '--dns-address=fd00::a'], /prefix of a range of IPv6 is from \/64 to \/126/],
    ] as const) {
      await assert.rejects(startApi({ args }), told, args.join(' '))
    }
  })
})

test('ServiceCIDRs may grow by the other family, and by nothing else', async (t) => {
  const api = await startApi({}, t)
  const path = '/apis/networking.k8s.io/v1/servicecidrs'
  const put = (cidrs: string[]) => api.request('PATCH', `${path}/more`, { spec: { cidrs } }, merge)
  assert.equal((await api.request('POST', path, { metadata: { name: 'more' }, spec: { cidrs: ['10.1.0.0/16'] } })).status, 201)
  assert.match(
    (await put(['10.2.0.0/16', 'fd00::/112'])).text,
    /spec\.cidrs\[0\]: Invalid value: \\"10\.2\.0\.0\/16\\": field is immutable/,
  )
  assert.equal((await put(['10.1.0.0/16', 'fd00::/112'])).status, 200)
  assert.match((await put(['10.1.0.0/16'])).text, /spec\.cidrs: Invalid value: \[\\"10\.1\.0\.0\/16\\"\]: field is immutable/)
})

test('nodes get a range of each family, those that have one get the second; pods are in both', async (t) => {
  const pods = ['10.244.0.0/16', 'fd00:10:244::/56']
  const cluster = await startCluster({
    controllers: ['node-ipam'],
    apiServerFlags: [...BOTH, `--pod-routes=${pods.join(',')}`],
    controllerSettings: { clusterCidr: pods },
  })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  const spec = { podCIDR: '10.244.7.0/24', podCIDRs: ['10.244.7.0/24'] }
  await client.create('v1', 'Node', { metadata: { name: 'old' }, spec })
  await client.create('v1', 'Node', { metadata: { name: 'new' } })
  await clock.advance(1_000)
  const rangesOf = async (name: string) => (await client.get('v1', 'Node', { name })).spec
  const [old, fresh] = [await rangesOf('old'), await rangesOf('new')]
  assert.equal(old.podCIDRs?.[0], '10.244.7.0/24')
  assert.match(old.podCIDRs?.[1] ?? '', /^fd00:10:244:.*\/64$/)
  assert.deepEqual([fresh.podCIDR, fresh.podCIDRs?.length], ['10.244.0.0/24', 2])
  assert.notEqual(fresh.podCIDRs?.[1], old.podCIDRs?.[1])
  const set = (podCIDRs: string[]) =>
    client.patch('v1', 'Node', { name: 'old' }, { type: 'merge', body: { spec: { podCIDR: podCIDRs[0], podCIDRs } } })
  await assert.rejects(set(['10.244.7.0/24', 'fd00:10:244:ff::/64']), /may not change podCIDR/)
  await assert.rejects(
    client.create('v1', 'Node', { metadata: { name: 'far' }, spec: { podCIDRs: ['10.244.9.0/24', 'fd00:99::/64'] } }),
    /spec\.podCIDRs\[1\]: Invalid value: "fd00:99::\/64": must lie in the range of all pods \(fd00:10:244::\/56\)/,
  )
})

test('a Service has slices of each of its families, by the pods’ addresses of it, and none of one that it gave up', async (t) => {
  const cluster = await startCluster({ controllers: ['endpointslice', 'endpoints', 'serviceaccount'], apiServerFlags: BOTH })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  await clock.advance(1_000)
  const spec = { selector: { app: 'web' }, ports: [{ port: 80 }], ipFamilyPolicy: 'RequireDualStack' }
  await client.create('v1', 'Service', { metadata: { name: 'web', namespace: 'default' }, spec })
  const at = { namespace: 'default', name: 'web' }
  for (const [name, ips] of [
    ['both', ['10.244.1.2', 'fd00:10:244:1::2']],
    ['four', ['10.244.1.3']],
  ] as const) {
    const containers = [{ name: 'main', image: 'web' }]
    await client.create('v1', 'Pod', {
      metadata: { name, namespace: 'default', labels: { app: 'web' } },
      spec: { containers, nodeName: 'a' },
    })
    const body = {
      status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })), conditions: [{ type: 'Ready', status: 'True' }] },
    }
    await client.patch('v1', 'Pod', { namespace: 'default', name }, { type: 'strategic', subresource: 'status', body })
  }
  await clock.advance(1_000)
  const slices = async () => {
    const { items } = await client.list('discovery.k8s.io/v1', 'EndpointSlice', { labelSelector: 'kubernetes.io/service-name=web' })
    const addresses = items.map((slice) => [slice.addressType, (slice.endpoints ?? []).flatMap((each) => each.addresses).sort()])
    return Object.fromEntries(addresses) as Record<string, string[]>
  }
  assert.deepEqual(await slices(), { IPv4: ['10.244.1.2', '10.244.1.3'], IPv6: ['fd00:10:244:1::2'] })
  const old = await client.get('v1', 'Endpoints', at)
  assert.deepEqual(
    old.subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
    ['10.244.1.2', '10.244.1.3'],
  )
  await client.patch('v1', 'Service', at, { type: 'merge', body: { spec: { ipFamilyPolicy: 'SingleStack' } } })
  await clock.advance(1_000)
  assert.deepEqual(await slices(), { IPv4: ['10.244.1.2', '10.244.1.3'] })
})
