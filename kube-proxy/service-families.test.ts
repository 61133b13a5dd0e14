import assert from 'node:assert/strict'
import test from 'node:test'
import { virtualServers } from './service-table.ts'

test('each family is served by its own cluster IP, slices and addresses, each in one spelling', () => {
  const service = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'default', name: 'web' } },
    spec: {
      ...{
        type: 'LoadBalancer',
        clusterIP: '10.96.0.9',
        clusterIPs: ['10.96.0.9', 'fd00:10:96::9'],
        ports: [{ port: 80, protocol: 'TCP' }],
      },
      ...{ externalIPs: ['2001:DB8:0:0::1', '198.51.100.1'], loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8:5::/48'] },
    },
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }, { ip: '2001:db8::7' }] } },
  }
  const slice = (addressType: string, ...addresses: string[]) => ({
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: {}, addressType },
    ...{ ports: [{ name: '', port: 8080, protocol: 'TCP' }] },
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  })
  const slices = [slice('IPv4', '10.244.1.2'), slice('IPv6', 'FD00:10:244:1::0:2', '::ffff:10.244.1.3')]
  const served = (family: 'IPv4' | 'IPv6') =>
    virtualServers(service as never, slices as never, { name: 'a', zone: undefined }, { family })[0]
  const [four, six] = [served('IPv4'), served('IPv6')]
  assert.deepEqual([four?.addresses, six?.addresses], [['10.96.0.9'], ['fd00:10:96::9']])
  assert.deepEqual(
    [four?.backends, six?.backends],
    [[{ address: '10.244.1.2', port: 8080 }], [{ address: 'fd00:10:244:1::2', port: 8080 }]],
  )
  assert.deepEqual(six?.externalAddresses, ['2001:db8::1', '2001:db8::7'])
  assert.deepEqual(four?.restricted, { addresses: ['203.0.113.7'], sources: ['192.0.2.0/24'] })
  assert.deepEqual(six?.restricted, { addresses: ['2001:db8::7'], sources: ['2001:db8:5::/48'] })
})
