import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Node } from '../shared/openapi/generated/core-v1.ts'
import { HostZone, hostAddress } from './host-zone.ts'
import type { ZoneSource } from './zone.ts'

const empty: ZoneSource = {
  service: () => undefined,
  slices: () => [],
  serviceOfAddress: () => undefined,
  slicesOfAddress: () => [],
  hasNamespace: () => false,
}
const node = (...addresses: { type: string; address: string }[]): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  spec: {},
  status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } }, nodeInfo: {} as Node['status']['nodeInfo'] },
})

test('the name of the machine is answered for what is known of it, all others as before', () => {
  let address: string | undefined = '192.0.2.1'
  const zone = new HostZone('cluster.local', empty, ['10.96.0.10'], () => address)
  const name = 'host.coxswain.internal'
  assert.deepEqual(zone.answer(name, 'A'), { kind: 'found', answers: [{ type: 'A', name, data: '192.0.2.1' }], additional: [] })
  assert.deepEqual(zone.answer(name, 'AAAA'), { kind: 'found', answers: [], additional: [] }, 'it is there, and has no such address')
  address = undefined
  assert.deepEqual(zone.answer(name, 'A'), { kind: 'missing' })
  assert.deepEqual(zone.answer('example.com', 'A'), { kind: 'outside' })
  assert.deepEqual(zone.answer(`${name}.default.svc.cluster.local`, 'A'), { kind: 'missing' })
  assert.equal(zone.answer('ns.dns.cluster.local', 'A').kind, 'found')
})

test('it is the node, whose address may change', () => {
  let present: Node | undefined
  const address = hostAddress('node', () => present)
  assert.equal(address(), undefined, 'the node is not known yet')
  present = node({ type: 'Hostname', address: 'n1' }, { type: 'InternalIP', address: '192.0.2.7' })
  assert.equal(address(), '192.0.2.7')
  present = node({ type: 'InternalIP', address: '192.0.2.8' })
  assert.equal(address(), '192.0.2.8')
})

test('it is the gateway of the node, or an address that is told', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'routes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const routes = join(folder, 'route')
  const address = hostAddress('gateway', () => undefined, routes)
  writeFileSync(routes, 'Iface\tDestination\tGateway\tFlags\neth0\t0018D00A\t00000000\t0001\neth0\t00000000\t010AD40A\t0003\n')
  assert.equal(address(), '10.212.10.1')
  writeFileSync(routes, 'Iface\tDestination\tGateway\tFlags\neth0\t0018D00A\t00000000\t0001\n')
  assert.equal(address(), undefined)
  assert.equal(hostAddress('192.0.2.9', () => undefined)(), '192.0.2.9')
  assert.throws(() => hostAddress('laptop', () => undefined), {
    message: '--host-address: "laptop" is neither an address nor node nor gateway',
  })
})
