import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Service, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import { chooseAddress, type Holding, SHARING_KEY } from './address-choice.ts'
import { AddressPool } from './address-pool.ts'
import { chooseHolder } from './holder.ts'

const pool = AddressPool.parse(['192.0.2.1-192.0.2.3'])

const ports = (port: number, protocol = 'TCP') => [{ port, protocol, targetPort: port }]
const service = (name: string, spec: Partial<ServiceSpec> = {}, sharing?: string): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service' },
  metadata: {
    ...{ name, namespace: 'default', uid: name, creationTimestamp: '2030-01-01T00:00:00Z' },
    annotations: sharing === undefined ? {} : { [SHARING_KEY]: sharing },
  },
  spec: { type: 'LoadBalancer', ports: ports(80), ...spec },
  status: { loadBalancer: {} },
})
const holds = (each: Service, ...addresses: string[]): Holding => ({ service: each, addresses })

describe('the pool', () => {
  it('is written as ranges of either form; what is a subnet’s own is left out', () => {
    const both = AddressPool.parse(['198.51.100.8/30', '192.0.2.1-192.0.2.2'])
    const all = ['198.51.100.9', '198.51.100.10', '192.0.2.1', '192.0.2.2']
    const taken = new Set<string>()
    for (const expected of all) {
      assert.equal(
        both.firstFree((address) => taken.has(address)),
        expected,
      )
      taken.add(expected)
    }
    assert.equal(
      both.firstFree((address) => taken.has(address)),
      undefined,
    )
    assert.deepEqual(
      ['198.51.100.8', '198.51.100.11', '192.0.2.3', '::1', '192.0.2.01'].filter((each) => both.holds(each)),
      [],
    )
    assert.ok(AddressPool.parse(['203.0.113.7/32']).holds('203.0.113.7'))
  })

  for (const text of [
    '',
    '192.0.2.0',
    '192.0.2.0/33',
    '192.0.2.9-192.0.2.1',
    '192.0.2.1-',
    '192.0.2.1-192.0.2.2-192.0.2.3',
    '2001:db8::/64',
    '10.1/16',
  ]) {
    it(`refuses ${JSON.stringify(text)}, by name`, () =>
      assert.throws(
        () => AddressPool.parse([text]),
        (error) => error instanceof ConfigError && error.message.includes(JSON.stringify(text)),
      ))
  }

  it('of millions of addresses costs what is taken, not what there is', () => {
    let asked = 0
    const large = AddressPool.parse(['10.0.0.0/8'])
    assert.equal(
      large.firstFree((address) => ++asked < 1_000 && address !== ''),
      '10.0.3.232',
    )
    assert.equal(asked, 1_000)
  })
})

describe('the address of a Service', () => {
  const web = service('web')

  it('is the first that nobody holds, in whatever way', () => {
    const others = [holds(service('a'), '192.0.2.1'), holds(service('b', { type: 'ClusterIP' }), '192.0.2.2')]
    assert.deepEqual(chooseAddress(web, others, pool), { address: '192.0.2.3' })
    assert.match(JSON.stringify(chooseAddress(web, [...others, holds(service('c'), '192.0.2.3')], pool)), /all addresses .* are in use/)
  })

  it('stays, unless it is of the pool no more', () => {
    assert.deepEqual(chooseAddress(web, [holds(web, '192.0.2.3')], pool), { address: '192.0.2.3' })
    assert.deepEqual(chooseAddress(web, [holds(web, '203.0.113.1')], pool), { address: '192.0.2.1' })
  })

  it('of which two have one stays the older Service’s', () => {
    const [older, younger] = [service('a'), service('b')]
    const both = [holds(older, '192.0.2.2'), holds(younger, '192.0.2.2')]
    assert.deepEqual(chooseAddress(older, both, pool), { address: '192.0.2.2' })
    assert.deepEqual(chooseAddress(younger, both, pool), { address: '192.0.2.1' })
  })

  it('is shared only when both ask for it, on different ports, through any node', () => {
    const dns = service('dns', { ports: ports(53, 'UDP') }, 'one')
    const choose = (asking: Service) => chooseAddress(asking, [holds(dns, '192.0.2.2')], pool)
    const shared = { address: '192.0.2.2' }
    assert.deepEqual(choose(service('tcp', { ports: ports(53) }, 'one')), shared)
    for (const [what, other] of [
      ['another key', service('x', { ports: ports(53) }, 'two')],
      ['no key', service('x', { ports: ports(53) })],
      ['the same port', service('x', { ports: ports(53, 'UDP') }, 'one')],
      ['its own nodes', service('x', { ports: ports(53), externalTrafficPolicy: 'Local' }, 'one')],
    ] as const) {
      assert.deepEqual(choose(other), { address: '192.0.2.1' }, what)
    }
  })

  it('that is asked for is given when it is free, also in place of one it has', () => {
    const asking = service('web', { loadBalancerIP: '192.0.2.2' })
    assert.deepEqual(chooseAddress(asking, [holds(asking, '192.0.2.1')], pool), { address: '192.0.2.2' })
    assert.match(JSON.stringify(chooseAddress(asking, [holds(service('a'), '192.0.2.2')], pool)), /leads to the Service default\/a/)
  })

  it('is not there for IPv6 alone, or without a pool', () => {
    assert.match(JSON.stringify(chooseAddress(service('six', { ipFamilies: ['IPv6'] }), [], pool)), /only IPv4/)
    assert.match(JSON.stringify(chooseAddress(web, [], AddressPool.parse([]))), /--load-balancer-pool/)
  })
})

describe('who announces', () => {
  const load = new Map([
    ['a', 2],
    ['b', 1],
  ])
  for (const [what, question, expected] of [
    ['whoever does goes on', { current: 'a', able: ['a', 'b', 'c'] }, 'a'],
    ['else the one with the fewest', { current: undefined, able: ['a', 'b', 'c'] }, 'c'],
    ['the first of equals', { current: undefined, able: ['d', 'c'] }, 'c'],
    ['one that cannot is replaced', { current: 'a', able: ['b'] }, 'b'],
    ['when nobody can, nothing moves', { current: 'a', able: [] }, 'a'],
    ['nobody is found where there is nobody', { current: undefined, able: [] }, undefined],
    ['one with pods', { current: 'a', able: ['a', 'b'], withPods: new Set(['b', 'dead']) }, 'b'],
    ['no pods anywhere: whoever does', { current: 'a', able: ['a', 'b'], withPods: new Set<string>() }, 'a'],
  ] as const) {
    it(what, () => assert.equal(chooseHolder({ withPods: undefined, load, ...question }), expected))
  }
})
