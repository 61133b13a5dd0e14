import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../openapi/generated/core-v1.ts'
import { podRoutes } from './pod-routes.ts'

const CLUSTER = ['10.244.0.0/16']
const node = (name: string, podCIDR?: string, address?: string, creationTimestamp = '2026-01-01T00:00:00Z'): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, creationTimestamp }, spec: podCIDR ? { podCIDR } : {} },
  status: {
    addresses: [{ type: 'Hostname', address: name }, ...(address ? [{ type: 'InternalIP', address }] : [])],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {} as never,
  },
})

test('routes lead to the nodes that have a range and an address', () => {
  const nodes = [node('b', '10.244.1.0/24', '172.28.0.3'), node('new', undefined, '172.28.0.4'), node('mute', '10.244.2.0/24')]
  assert.deepEqual(podRoutes(nodes, CLUSTER), [{ range: '10.244.1.0/24', via: '172.28.0.3' }])
})

test('nobody draws what is not for its pods: no range outside the cluster’s, none that overlaps an older node’s', () => {
  const first = { range: '10.244.1.0/24', via: '172.28.0.3' }
  const young = '2026-01-02T00:00:00Z'
  for (const range of [
    '0.0.0.0/0',
    '10.0.0.0/8',
    '10.96.0.0/16',
    '192.168.0.0/24',
    '10.244.1.0/24',
    '10.244.1.128/25',
    '10.244.0.0/16',
    'x',
    'fd00::/64',
  ]) {
    const nodes = [node('a', range, '172.28.0.9', young), node('b', '10.244.1.0/24', '172.28.0.3')]
    assert.deepEqual(podRoutes(nodes, CLUSTER), [first], range)
    assert.deepEqual(podRoutes(nodes.reverse(), CLUSTER), [first], range)
  }
})

test('a node that has both families is reached by a route of each, by its address of that family', () => {
  const both = node('a', undefined, '172.28.0.3')
  both.spec = { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] }
  both.status.addresses?.push({ type: 'InternalIP', address: 'fe80::1' }, { type: 'InternalIP', address: 'fd00:28::3' })
  const routes = podRoutes([both], ['fd00:10:244::/56', ...CLUSTER])
  assert.deepEqual(routes, [
    { range: 'fd00:10:244:1::/64', via: 'fd00:28::3' },
    { range: '10.244.1.0/24', via: '172.28.0.3' },
  ])
  assert.deepEqual(podRoutes([both], CLUSTER), [routes[1]])
})

test('nobody draws pods to where no node can be', () => {
  for (const address of ['127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1', '10.244.3.3', 'fd00::1', 'nowhere']) {
    assert.deepEqual(podRoutes([node('a', '10.244.1.0/24', address)], CLUSTER), [], address)
  }
})

test('the routes of five thousand nodes are worked out at once', () => {
  const nodes = Array.from({ length: 5_000 }, (_, index) =>
    node(`n${index}`, `10.${128 + (index >> 8)}.${index & 255}.0/24`, `172.28.${index >> 8}.${index & 255}`),
  )
  const began = process.cpuUsage()
  assert.equal(podRoutes(nodes, ['10.128.0.0/9']).length, 5_000)
  const { user, system } = process.cpuUsage(began)
  assert.ok((user + system) / 1_000 < 1_000, `${(user + system) / 1_000} ms`)
})
