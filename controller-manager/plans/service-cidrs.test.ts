import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IPAddress, ServiceCIDR } from '../../shared/openapi/generated/networking-v1.ts'
import { orphanOf, readyCondition, untilLastLook } from './service-cidrs.ts'

const range = (name: string, ...cidrs: string[]): ServiceCIDR => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs }, status: {} },
})
const address = (name: string, manager = 'ipallocator.k8s.io'): IPAddress => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress' },
  metadata: { name, labels: { 'ipaddress.kubernetes.io/managed-by': manager } },
  spec: { parentRef: { resource: 'services', name: 'x' } },
})

test('a range must stay for an address of the allocator that no other range covers', () => {
  const going = range('going', '10.1.0.0/24')
  const all = [going, range('other', '10.2.0.0/24', 'fd00::/64')]
  assert.equal(orphanOf(going, all, [address('10.2.0.1'), address('10.1.0.7')]), '10.1.0.7')
  assert.equal(orphanOf(going, all, [address('10.2.0.1'), address('fd00::1')]), undefined)
  assert.equal(orphanOf(going, all, [address('10.1.0.7', 'somebody')]), undefined)
  assert.equal(orphanOf(going, [...all, range('part', '10.1.0.0/29')], [address('10.1.0.7')]), undefined)
  assert.equal(orphanOf(going, [...all, range('part', '10.1.0.0/29')], [address('10.1.0.8')]), '10.1.0.8')
  assert.equal(orphanOf(going, [...all, range('around', '10.1.0.0/16')], [address('10.1.0.8')]), undefined)
})

test('what is said of a range changes only when there is something else to say', () => {
  const plain = range('one', '10.1.0.0/24')
  const ready = readyCondition(plain, undefined, 0)
  assert.deepEqual([ready?.[0]?.status, ready?.[0]?.lastTransitionTime], ['True', '1970-01-01T00:00:00Z'])
  const said = { ...plain, status: { conditions: ready } }
  assert.equal(readyCondition(said, undefined, 5_000), undefined)
  const held = readyCondition(said, '10.1.0.7', 5_000)
  assert.deepEqual([held?.length, held?.[0]?.status, held?.[0]?.reason], [1, 'False', 'Terminating'])
  assert.match(held?.[0]?.message ?? '', /10\.1\.0\.7/)
  assert.equal(readyCondition({ ...plain, status: { conditions: held } }, '10.1.0.8', 9_000), undefined)
  assert.deepEqual([untilLastLook(1_000, 4_000), untilLastLook(1_000, 11_000)], [7_000, 0])
})
