import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Service } from '../shared/openapi/generated/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { staleFlows } from './conntrack.ts'
import { virtualServers } from './service-table.ts'

const service = (spec: Service['spec'], labels: Record<string, string> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', labels },
  spec: { clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }], ...spec },
  status: { loadBalancer: {} },
})

const endpoint = (address: string, nodeName: string, conditions: Endpoint['conditions'] = { ready: true }): Endpoint => ({
  addresses: [address],
  nodeName,
  conditions,
})

const slice = (endpoints: Endpoint[], parts: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'default' },
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  ...parts,
})

describe('what a node forwards for a Service', () => {
  const here = endpoint('10.244.1.2', 'node-1')
  const there = endpoint('10.244.2.2', 'node-2')
  const only = (target: Service, slices: EndpointSlice[]) => {
    const [server, ...others] = virtualServers(target, slices, 'node-1')
    assert.ok(server)
    assert.deepEqual(others, [])
    return server
  }
  const addresses = (backends: readonly { address: string }[]) => backends.map(({ address }) => address)

  it('all ready endpoints, in an order that does not depend on theirs', () => {
    const wanted = ['10.244.1.2', '10.244.2.2']
    assert.deepEqual(addresses(only(service({}), [slice([there, here])]).backends), wanted)
    assert.deepEqual(addresses(only(service({}), [slice([here]), slice([there])]).backends), wanted)
  })

  it('an endpoint that two slices name, once', () => {
    assert.deepEqual(addresses(only(service({}), [slice([here]), slice([here])]).backends), ['10.244.1.2'])
  })

  it('endpoints that shut down only when no other is left, and of those only the ones that still serve', () => {
    const leaving = endpoint('10.244.3.3', 'node-1', { ready: false, serving: true, terminating: true })
    const broken = endpoint('10.244.3.4', 'node-1', { ready: false, serving: false, terminating: true })
    const starting = endpoint('10.244.3.5', 'node-1', { ready: false, serving: false, terminating: false })
    assert.deepEqual(addresses(only(service({}), [slice([leaving, here])]).backends), ['10.244.1.2'])
    assert.deepEqual(addresses(only(service({}), [slice([leaving, broken, starting])]).backends), ['10.244.3.3'])
  })

  it('an endpoint whose readiness nobody has said, as ready', () => {
    assert.deepEqual(addresses(only(service({}), [slice([endpoint('10.244.1.9', 'node-1', {})])]).backends), ['10.244.1.9'])
  })

  it('only what is on this node, where the policy says so', () => {
    const both = [slice([here, there])]
    assert.deepEqual(addresses(only(service({ internalTrafficPolicy: 'Local' }), both).backends), ['10.244.1.2'])
    const external = only(service({ type: 'NodePort', externalTrafficPolicy: 'Local' }), both)
    assert.deepEqual([addresses(external.backends), addresses(external.externalBackends)], [['10.244.1.2', '10.244.2.2'], ['10.244.1.2']])
    assert.equal(external.keepsClientAddress, true)
  })

  it('ports by name and protocol, with the number that the slice gives', () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 'http' },
      { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' },
    ]
    const offered = [
      { name: 'http', protocol: 'TCP', port: 9090 },
      { name: 'dns', protocol: 'UDP', port: 5353 },
    ]
    const servers = virtualServers(service({ ports }), [slice([here], { ports: offered })], 'node-1')
    assert.deepEqual(
      servers.map(({ protocol, port, backends }) => [protocol, port, backends[0]?.port]),
      [
        ['tcp', 80, 9090],
        ['udp', 53, 5353],
      ],
    )
  })

  it('nothing for headless and external names, for other proxies, and for addresses of the other family', () => {
    const none: [Service, EndpointSlice[]][] = [
      [service({ clusterIP: 'None' }), [slice([here])]],
      [service({ type: 'ExternalName', externalName: 'example.com' }), []],
      [service({ clusterIP: 'fd00::1' }), []],
      [service({ clusterIP: '' }), []],
      [service({}, { 'service.kubernetes.io/service-proxy-name': 'other' }), [slice([here])]],
    ]
    for (const [target, slices] of none) assert.deepEqual(virtualServers(target, slices, 'node-1'), [])
    assert.deepEqual(only(service({}), [slice([endpoint('fd00::2', 'node-1')], { addressType: 'IPv6' })]).backends, [])
  })
})

describe('stale UDP flows', () => {
  const udp = (backends: string[]) =>
    virtualServers(
      service({ ports: [{ name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' }] }),
      [
        slice(
          backends.map((address) => endpoint(address, 'node-1')),
          { ports: [{ name: 'dns', protocol: 'UDP', port: 53 }] },
        ),
      ],
      'node-1',
    )

  it('those to a backend that is gone, and no others', () => {
    assert.deepEqual(staleFlows(udp(['10.244.1.2', '10.244.1.3']), udp(['10.244.1.3'])), [
      { address: '10.96.0.7', port: 53, backend: '10.244.1.2' },
    ])
    assert.deepEqual(staleFlows(udp(['10.244.1.2']), udp(['10.244.1.2', '10.244.1.3'])), [])
  })

  it('those of the time without backends, once there is one', () => {
    assert.deepEqual(staleFlows(udp([]), udp(['10.244.1.2'])), [{ address: '10.96.0.7', port: 53, backend: undefined }])
    assert.deepEqual(staleFlows(udp([]), udp([])), [])
  })

  it('those of a Service that is gone', () => {
    assert.deepEqual(staleFlows(udp(['10.244.1.2']), []), [{ address: '10.96.0.7', port: 53, backend: '10.244.1.2' }])
  })
})
