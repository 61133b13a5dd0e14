import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admissionTrial, made } from '../../test/harness/admission-trial.ts'

const service = (externalIPs: string[], port = 80, protocol = 'TCP') =>
  made('v1', 'Service', { metadata: { name: 'web', namespace: 'default' }, spec: { externalIPs, ports: [{ port, protocol }] } })
const request = { resource: 'services' }

test('no Service takes the addresses of the API server, of Services, or of pods', async () => {
  const { admit, refused } = admissionTrial()
  await admit({ ...request, object: service(['198.51.100.7']) })
  for (const [address, why] of [
    ['192.0.2.1', /belongs to the API server/],
    ['::ffff:192.0.2.1', /belongs to the API server/],
    ['10.96.0.1', /belongs to Services/],
    ['10.244.3.3', /belongs to pods/],
  ] as const) {
    const error = await refused({ ...request, object: service([address]) }, why, 422)
    assert.equal(error.details?.causes?.[0]?.field, 'spec.externalIPs[0]')
  }
})

test('nor those of ranges that were added for Services', async () => {
  const { reader, admit, refused } = admissionTrial()
  reader.put('networking.k8s.io/v1', 'ServiceCIDR', {
    metadata: { name: 'more' },
    spec: { cidrs: ['10.112.0.0/28', 'fd00::/112'] },
    status: {},
  })
  for (const address of ['10.112.0.9', '::ffff:10.112.0.9', 'fd00::7'])
    await refused({ ...request, object: service([address]) }, /belongs to Services \((10\.112\.0\.0\/28|fd00::\/112)\)/, 422)
  await admit({ ...request, object: service(['10.112.0.17']) })
})

test('nor a node’s where its kubelet is reached; other ports of a node may be a Service’s', async () => {
  const { reader, admit, refused } = admissionTrial()
  const kubelet = (Port: number) => ({ kubeletEndpoint: { Port } })
  const at = (address: string) => [{ type: 'InternalIP', address }]
  reader.put('v1', 'Node', { metadata: { name: 'b' }, spec: {}, status: { addresses: at('192.0.2.22'), daemonEndpoints: kubelet(10_251) } })
  await admit({ ...request, object: service(['192.0.2.22']) })
  await admit({ ...request, object: service(['192.0.2.22'], 10_251, 'UDP') })
  await refused({ ...request, object: service(['192.0.2.22'], 10_251) }, /where the kubelet of node "b" is reached/, 422)
})

test('a Service that has one keeps it as long as it is not written anew', async () => {
  const { admit, refused } = admissionTrial()
  const previous = service(['192.0.2.1'])
  await admit({ ...request, operation: 'UPDATE', object: service(['192.0.2.1']), previous })
  await refused({ ...request, operation: 'UPDATE', object: service(['192.0.2.1'], 443), previous }, /belongs to the API server/, 422)
})

test('nor one that leads to another Service at that port, whosever that is; other ports of the address are free', async () => {
  const { reader, admit, refused } = admissionTrial()
  const spec = { externalIPs: ['198.51.100.7'], ports: [{ port: 80 }] }
  reader.put('v1', 'Service', { metadata: { name: 'shop', namespace: 'other' }, spec, status: { loadBalancer: {} } })
  const error = await refused({ ...request, object: service(['198.51.100.8', '::ffff:198.51.100.7']) }, /leads to another Service/, 422)
  assert.equal(error.details?.causes?.[0]?.field, 'spec.externalIPs[1]')
  await admit({ ...request, object: service(['198.51.100.7'], 443) })
  await admit({ ...request, object: service(['198.51.100.7'], 80, 'UDP') })
  reader.put('v1', 'Service', { metadata: { name: 'web', namespace: 'default' }, spec: { ...spec, externalIPs: ['198.51.100.9'] } })
  await admit({ ...request, object: service(['198.51.100.9']) })
})

test('nor the address that another’s load balancer gave it', async () => {
  const { reader, admit, refused } = admissionTrial()
  const balanced = (type: string) => {
    const status = { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }, { ip: '203.0.113.7' }] } }
    reader.put('v1', 'Service', { metadata: { name: 'shop', namespace: 'other' }, spec: { type, ports: [{ port: 80 }] }, status })
  }
  balanced('LoadBalancer')
  await refused({ ...request, object: service(['203.0.113.7']) }, /leads to another Service/, 422)
  await admit({ ...request, object: service(['203.0.113.7'], 443) })
  balanced('ClusterIP')
  await admit({ ...request, object: service(['203.0.113.7']) })
})

test('a load balancer gives no address of the cluster, and none that leads to another Service at that port', async () => {
  const { reader, admit, refused } = admissionTrial()
  const given = (ip: string, port = 80) =>
    made('v1', 'Service', {
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port, protocol: 'TCP' }] },
      status: { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }, { ip }] } },
    })
  const previous = made('v1', 'Service', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    status: { loadBalancer: {} },
  })
  const write = { ...request, operation: 'UPDATE', subresource: 'status', previous } as const
  for (const [address, why] of [
    ['192.0.2.1', /belongs to the API server/],
    ['10.96.0.1', /belongs to Services/],
    ['10.244.3.3', /belongs to pods/],
  ] as const) {
    const error = await refused({ ...write, object: given(address) }, why, 422)
    assert.equal(error.details?.causes?.[0]?.field, 'status.loadBalancer.ingress[1].ip')
  }
  const status = { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } }
  reader.put('v1', 'Service', {
    metadata: { name: 'shop', namespace: 'other' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    status,
  })
  await refused({ ...write, object: given('203.0.113.7') }, /leads to another Service/, 422)
  await admit({ ...write, object: given('203.0.113.7', 443) })
  await admit({ ...write, object: given('203.0.113.8') })
})

test('whose an address is is decided after every acknowledged write is known', async () => {
  const { reader, refused } = admissionTrial()
  const addresses = [{ type: 'InternalIP', address: '192.0.2.23' }]
  const node = { metadata: { name: 'c' }, spec: {}, status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } } } }
  // The index hears of the node only now.
  reader.caughtUp = async () => void reader.put('v1', 'Node', node)
  await refused({ ...request, object: service(['192.0.2.23'], 10_250) }, /where the kubelet of node "c" is reached/, 422)
})
