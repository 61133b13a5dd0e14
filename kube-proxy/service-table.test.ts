import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Service } from '../shared/openapi/generated/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { virtualServer } from '../test/harness/dataplane-lab.ts'
import { type Flow, flowWays, misledFlows, parseFlows } from './conntrack.ts'
import { healthPort, virtualServers } from './service-table.ts'
import type { VirtualServer } from './virtual-server.ts'

const NODE = { name: 'node-1', zone: 'a' }

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
    const [server, ...others] = virtualServers(target, slices, NODE)
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

  it('what hints keep for this node, else for its zone, when every endpoint has one', () => {
    const hintedFor = (address: string, zone: string, ...nodes: string[]): Endpoint => ({
      ...endpoint(address, 'node-9'),
      hints: { forZones: [{ name: zone }], ...(nodes.length > 0 ? { forNodes: nodes.map((name) => ({ name })) } : {}) },
    })
    const chosen = (...endpoints: Endpoint[]) => addresses(only(service({}), [slice(endpoints)]).backends)
    const [inA, inB] = [hintedFor('10.244.1.1', 'a'), hintedFor('10.244.1.2', 'b')]
    assert.deepEqual(chosen(inA, inB), ['10.244.1.1'])
    assert.deepEqual(chosen(inB), ['10.244.1.2'], 'none for our zone: all')
    assert.deepEqual(chosen(inA, inB, here), ['10.244.1.1', '10.244.1.2'], 'one without a hint: all')
    assert.deepEqual(chosen(hintedFor('10.244.1.5', 'b', 'node-1'), hintedFor('10.244.1.6', 'a', 'node-2')), ['10.244.1.5'])
    assert.deepEqual(chosen(hintedFor('10.244.1.5', 'b', 'node-3'), hintedFor('10.244.1.6', 'a', 'node-2')), ['10.244.1.6'])
    const gone = hintedFor('10.244.1.7', 'b')
    assert.deepEqual(chosen({ ...gone, conditions: { ready: false, serving: true, terminating: true } }), ['10.244.1.7'])
    const local = service({ type: 'NodePort', internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' })
    const mine = { ...hintedFor('10.244.1.8', 'b'), nodeName: 'node-1' }
    assert.deepEqual(addresses(only(local, [slice([inA, mine])]).backends), ['10.244.1.8'], 'a policy goes before hints')
  })

  it('for each client the same endpoint for so long, where affinity says so', () => {
    assert.equal(only(service({}), [slice([here])]).affinitySeconds, undefined)
    assert.equal(only(service({ sessionAffinity: 'ClientIP' }), [slice([here])]).affinitySeconds, 10_800)
    const config = { clientIP: { timeoutSeconds: 7 } }
    assert.equal(only(service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: config }), [slice([here])]).affinitySeconds, 7)
    assert.equal(only(service({ sessionAffinity: 'None', sessionAffinityConfig: config }), [slice([here])]).affinitySeconds, undefined)
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
    const servers = virtualServers(service({ ports }), [slice([here], { ports: offered })], NODE)
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
      [service({}, { 'service.kubernetes.io/headless': '' }), [slice([here])]],
    ]
    for (const [target, slices] of none) assert.deepEqual(virtualServers(target, slices, NODE), [])
    assert.deepEqual(only(service({}), [slice([endpoint('fd00::2', 'node-1')], { addressType: 'IPv6' })]).backends, [])
  })
})

describe('what a load balancer outside is told', () => {
  const balanced = (spec: Service['spec']) =>
    service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_100, ...spec })
  const leaving = endpoint('10.244.1.4', 'node-1', { ready: false, serving: true, terminating: true })
  const all = [endpoint('10.244.1.2', 'node-1'), endpoint('10.244.1.2', 'node-1'), endpoint('10.244.2.2', 'node-2'), leaving]

  it('is how many ready endpoints are here, each once, and not those that shut down', () => {
    assert.deepEqual(healthPort(balanced({}), [slice(all)], 'node-1'), { port: 30_100, localEndpoints: 1 })
    assert.deepEqual(healthPort(balanced({}), [slice([leaving])], 'node-1'), { port: 30_100, localEndpoints: 0 })
  })

  it('is nothing for Services whose balancer does not ask', () => {
    for (const other of [
      undefined,
      balanced({ externalTrafficPolicy: 'Cluster' }),
      balanced({ type: 'NodePort' }),
      balanced({ clusterIP: 'None' }),
    ]) {
      assert.equal(healthPort(other, [slice(all)], 'node-1'), undefined)
    }
  })
})

describe('addresses from outside', () => {
  const there = [slice([endpoint('10.244.2.2', 'node-2')])]
  const [load, ingress] = ['LoadBalancer', [{ ip: '203.0.113.7' }, { hostname: 'lb.example.com' }]] as const
  const balanced = (spec: Service['spec'], given: { ip?: string; ipMode?: string; hostname?: string }[] = [...ingress]) =>
    ({ ...service({ type: load, ...spec }), status: { loadBalancer: { ingress: given } } }) as Service
  const external = (target: Service, isOutside?: (address: string) => boolean) =>
    virtualServers(target, there, NODE, isOutside ? { isOutside } : {})[0]?.externalAddresses

  it('are external IPs, and those that a load balancer gave', () => {
    assert.deepEqual(external(balanced({ externalIPs: ['198.51.100.1', '203.0.113.7'] })), ['198.51.100.1', '203.0.113.7'])
    assert.deepEqual(external(service({ externalIPs: ['198.51.100.1', '2001:db8::1'] })), ['198.51.100.1'])
  })

  it('are for the sources given only, where a load balancer gave them', () => {
    const restricted = (...loadBalancerSourceRanges: string[]) =>
      virtualServers(balanced({ externalIPs: ['198.51.100.1'], loadBalancerSourceRanges }), there, NODE)[0]?.restricted
    assert.deepEqual(restricted('192.0.2.0/24 ', '2001:db8::/32'), { addresses: ['203.0.113.7'], sources: ['192.0.2.0/24'] })
    assert.deepEqual(restricted('2001:db8::/32'), { addresses: ['203.0.113.7'], sources: [] }, 'of the other family: nobody')
    assert.equal(restricted(), undefined)
  })

  it('are not those that a load balancer answers itself', () => {
    assert.deepEqual(external(balanced({}, [{ ip: '203.0.113.7', ipMode: 'Proxy' }])), [])
    assert.deepEqual(external({ ...balanced({}), spec: { ...service({}).spec } }), [], 'no load balancer any more')
  })

  it('are nobody’s inside: no Service takes another’s cluster IP, or a pod’s address', () => {
    const isOutside = (address: string) => !address.startsWith('10.')
    assert.deepEqual(external(service({ externalIPs: ['10.96.0.1', '10.244.0.7', '198.51.100.1'] }), isOutside), ['198.51.100.1'])
  })

  it('lead to this node’s endpoints only, where the policy says so', () => {
    const [server] = virtualServers(balanced({ externalTrafficPolicy: 'Local' }), there, NODE)
    assert.deepEqual([server?.backends.length, server?.clusterBackends.length, server?.externalBackends], [1, 1, []])
  })
})

describe('flows of UDP and SCTP', () => {
  const server = (parts: Partial<VirtualServer>) => {
    const dns = { protocol: 'udp', port: 53, addresses: ['10.96.0.7'], externalAddresses: ['198.51.100.1'], nodePort: 30053 } as const
    return virtualServer({ name: 'dns', ...dns, ...parts })
  }
  const backend = (address: string) => ({ address, port: 5353 })
  const both = (...addresses: string[]) => {
    const backends = addresses.map(backend)
    return { backends, clusterBackends: backends, externalBackends: backends }
  }
  const local = new Set(['172.28.0.4'])
  const asked = [
    ['10.96.0.7', 53],
    ['198.51.100.1', 53],
    ['172.28.0.4', 30053],
  ] as const
  const led = (to: string) => asked.map(([address, port]) => ({ address, port, backend: to, backendPort: 5353 }))
  const unled = asked.map(([address, port]) => ({ address, port, backend: address, backendPort: port }))
  const misled = (flows: Flow[], before: VirtualServer[], after: VirtualServer[]) =>
    flowWays(before, after).flatMap((ways) => misledFlows(flows, ways, local))

  it('to a backend that is gone are forgotten on every way, and no others', () => {
    const after = [server(both('10.244.1.3'))]
    assert.deepEqual(misled([...led('10.244.1.2'), ...led('10.244.1.3')], [], after), led('10.244.1.2'))
  })

  it('that met no backend are forgotten once there is one', () => {
    assert.deepEqual(misled(unled, [server({})], [server({})]), [])
    assert.deepEqual(misled(unled, [server({})], [server(both('10.244.1.2'))]), unled)
  })

  it('of a Service that is gone, or that has no backend left, are forgotten', () => {
    const before = [server(both('10.244.1.2'))]
    assert.deepEqual(misled(led('10.244.1.2'), before, []), led('10.244.1.2'))
    assert.deepEqual(misled(led('10.244.1.2'), before, [server({})]), led('10.244.1.2'))
  })

  it('of others stay: other ports, other nodes’ node ports, TCP', () => {
    const after = [server(both('10.244.1.2')), server({ protocol: 'tcp', addresses: ['10.96.0.8'] })]
    const others = [
      { address: '10.96.0.7', port: 54, backend: '10.96.0.7', backendPort: 54 },
      { address: '172.28.0.5', port: 30053, backend: '172.28.0.5', backendPort: 30053 },
      { address: '10.96.0.8', port: 53, backend: '10.244.9.9', backendPort: 53 },
      { address: '9.9.9.9', port: 53, backend: '9.9.9.9', backendPort: 53 },
    ]
    assert.deepEqual(misled(others, [], after), [])
  })

  it('under internal policy Local go to this node’s only, and from outside where either pods or others are led', () => {
    const everywhere = [backend('10.244.2.2'), backend('10.244.1.2')]
    const after = [server({ backends: [backend('10.244.1.2')], clusterBackends: everywhere, externalBackends: [backend('10.244.1.2')] })]
    assert.deepEqual(
      misled(led('10.244.2.2'), [], after).map(({ address }) => address),
      ['10.96.0.7'],
    )
  })

  it('of SCTP are told apart from those of UDP on the same ports', () => {
    const [udp, sctp] = [server(both('10.244.1.2')), server({ protocol: 'sctp', ...both('10.244.1.3') })]
    const ways = flowWays([], [udp, sctp])
    assert.deepEqual(
      ways.map(({ protocol, addresses }) => [protocol, ...(addresses.get('10.96.0.7:53') ?? [])]),
      [
        ['udp', '10.244.1.2:5353'],
        ['sctp', '10.244.1.3:5353'],
      ],
    )
    assert.deepEqual(flowWays([], [server({ protocol: 'tcp' })]), [])
  })

  it('are read as conntrack writes them', () => {
    const text = [
      'udp      17 29 src=10.244.1.9 dst=10.96.0.7 sport=4444 dport=53 src=10.244.1.2 dst=10.244.1.9 sport=5353 dport=4444 [ASSURED] mark=0 use=1',
      'udp      17 9 src=1.2.3.4 dst=172.28.0.4 sport=1 dport=30053 [UNREPLIED] src=172.28.0.4 dst=1.2.3.4 sport=30053 dport=1 use=1',
      'conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.',
      '',
    ]
    assert.deepEqual(parseFlows(text.join('\n')), [
      { address: '10.96.0.7', port: 53, backend: '10.244.1.2', backendPort: 5353 },
      { address: '172.28.0.4', port: 30053, backend: '172.28.0.4', backendPort: 30053 },
    ])
  })
})
