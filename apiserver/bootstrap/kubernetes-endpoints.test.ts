import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestReader } from '../../test/harness/object-reader.ts'
import { requiredKubernetesEndpoints, staleKubernetesSlices, type WantedObject } from './kubernetes-endpoints.ts'

const contentOf = (wanted: WantedObject | undefined): Record<string, unknown> => ({ ...wanted?.object.object })
const server = (address: string, port = 6443) => ({ address, port })

test('servers that listen on one port are in one slice, in order, each once', () => {
  const [endpoints, slice, ...others] = requiredKubernetesEndpoints([server('192.0.2.2'), server('192.0.2.1'), server('192.0.2.2')])
  assert.equal(others.length, 0)
  const ports = [{ name: 'https', port: 6443, protocol: 'TCP' }]
  assert.deepEqual(contentOf(endpoints)['subsets'], [{ addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }], ports }])
  assert.deepEqual(contentOf(slice)['endpoints'], [
    { addresses: ['192.0.2.1'], conditions: { ready: true } },
    { addresses: ['192.0.2.2'], conditions: { ready: true } },
  ])
})

test('another port, and another family, have a slice of their own, which goes with its last server', () => {
  const servers = [server('2001:db8::1'), server('192.0.2.1'), server('192.0.2.2', 7443)]
  const [endpoints, ...slices] = requiredKubernetesEndpoints(servers)
  const named = slices.map((each) => [each.object.object.metadata.name, contentOf(each)['addressType']])
  assert.deepEqual(named, [
    ['kubernetes', 'IPv4'],
    ['kubernetes-ipv4-7443', 'IPv4'],
    ['kubernetes-ipv6-6443', 'IPv6'],
  ])
  assert.equal((contentOf(endpoints)['subsets'] as object[]).length, 3)
  const reader = new TestReader()
  for (const { object } of slices)
    reader.put('discovery.k8s.io/v1', 'EndpointSlice', {
      ...object.object,
      metadata: { namespace: 'default', name: object.object.metadata.name },
    })
  assert.deepEqual(
    slices.map((each) => each.isThere(reader)),
    [true, true, true],
  )
  assert.deepEqual(staleKubernetesSlices(servers, reader), [])
  assert.deepEqual(
    staleKubernetesSlices([server('192.0.2.1')], reader).map(({ name }) => name),
    ['kubernetes-ipv4-7443', 'kubernetes-ipv6-6443'],
  )
})
