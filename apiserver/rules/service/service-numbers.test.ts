import assert from 'node:assert/strict'
import test from 'node:test'
import type { Service } from '../../../shared/openapi/generated/core-v1.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { defaultService } from './service-defaults.ts'
import { settleFamilies } from './service-families.ts'
import { reserveServiceNumbers } from './service-numbers.ts'

function serviceOf(spec: object): Service {
  const service = decodeObject(
    'v1',
    'Service',
    { metadata: { name: 's' }, spec: structuredClone(spec) },
    { fieldValidation: 'Strict' },
  ) as Service
  defaultService(service)
  settleFamilies(service.spec, undefined, ['IPv4', 'IPv6'])
  return service
}

/** Allocators that hand out the next number and remember what is taken. */
function allocators() {
  const taken = new Set<string>()
  let next = 0
  const take = (identity: string) => {
    if (taken.has(identity)) throw new Error('provided port is already allocated')
    taken.add(identity)
  }
  const services = {
    clusterIPs: {
      families: ['IPv4', 'IPv6'] as const,
      take(family: 'IPv4' | 'IPv6', wanted: string | undefined) {
        const address = wanted ?? (family === 'IPv4' ? `10.96.0.${++next}` : `fd00::${++next}`)
        take(address)
        return address
      },
      release: (address: string) => void taken.delete(address),
    },
    nodePorts: {
      take(wanted: number | undefined, protocol: string) {
        const port = wanted ?? 30000 + ++next
        take(`${protocol}/${port}`)
        return port
      },
      release: (port: number, protocol: string) => void taken.delete(`${protocol}/${port}`),
      range: { first: 30000, last: 32767 },
    },
  }
  return { services, taken }
}

test('takes an address and a port for each port; the same number over another protocol', () => {
  const { services, taken } = allocators()
  const service = serviceOf({
    type: 'NodePort',
    ports: [
      { port: 53, name: 'a', protocol: 'UDP' },
      { port: 53, name: 'b' },
      { port: 80, name: 'c', nodePort: 31000 },
    ],
  })
  const reservation = reserveServiceNumbers(services, service, undefined)
  assert.equal(service.spec.clusterIP, '10.96.0.1')
  assert.deepEqual(service.spec.clusterIPs, ['10.96.0.1'])
  assert.deepEqual(
    service.spec.ports?.map((port) => port.nodePort),
    [30002, 30002, 31000],
  )
  assert.deepEqual([...taken].sort(), ['10.96.0.1', 'TCP/30002', 'TCP/31000', 'UDP/30002'])
  reservation.release()
  assert.deepEqual([...taken], [])
})

test('takes an address of each family, and gives both back when the second is taken', () => {
  const { services, taken } = allocators()
  const both = { ipFamilyPolicy: 'RequireDualStack', ports: [{ port: 80 }] }
  const service = serviceOf(both)
  reserveServiceNumbers(services, service, undefined)
  assert.deepEqual([service.spec.clusterIP, service.spec.clusterIPs], ['10.96.0.1', ['10.96.0.1', 'fd00::2']])
  const one = structuredClone(service)
  one.spec.ipFamilyPolicy = 'SingleStack'
  assert.deepEqual(settleFamilies(one.spec, service.spec, ['IPv4', 'IPv6']), [])
  reserveServiceNumbers(services, one, service)
  assert.deepEqual(one.spec.clusterIPs, ['10.96.0.1'])
  const held = [...taken]
  const clash = serviceOf({ ...both, clusterIP: '10.96.7.7', clusterIPs: ['10.96.7.7', 'fd00::2'] })
  assert.throws(() => reserveServiceNumbers(services, clash, undefined), /spec\.clusterIPs: Invalid value: \["10\.96\.7\.7","fd00::2"\]/)
  assert.deepEqual([...taken], held)
})

test('takes nothing for headless and external Services', () => {
  const { services, taken } = allocators()
  reserveServiceNumbers(services, serviceOf({ clusterIP: 'None' }), undefined)
  reserveServiceNumbers(services, serviceOf({ type: 'ExternalName', externalName: 'a' }), undefined)
  assert.deepEqual([...taken], [])
})

test('an update takes only what is new, and gives back only that when it fails', () => {
  const { services, taken } = allocators()
  const before = serviceOf({ type: 'NodePort', ports: [{ port: 80, name: 'a' }] })
  reserveServiceNumbers(services, before, undefined)
  const held = [...taken]
  const after = structuredClone(before)
  after.spec.ports?.push({ port: 81, name: 'b', protocol: 'TCP', targetPort: 81 })
  const reservation = reserveServiceNumbers(services, after, before)
  assert.equal(taken.size, 3)
  reservation.release()
  assert.deepEqual([...taken], held)
})

test('a taken number is Invalid, and nothing stays reserved', () => {
  const { services, taken } = allocators()
  taken.add('TCP/31000')
  const service = serviceOf({ type: 'NodePort', ports: [{ port: 80, nodePort: 31000 }] })
  assert.throws(() => reserveServiceNumbers(services, service, undefined), {
    code: 422,
    message: 'Service "s" is invalid: spec.ports[0].nodePort: Invalid value: 31000: provided port is already allocated',
  })
  assert.deepEqual([...taken], ['TCP/31000'])
})

test('a Service that becomes one with an address gets one', () => {
  const { services } = allocators()
  const before = serviceOf({ type: 'ExternalName', externalName: 'a' })
  const after = serviceOf({ ports: [{ port: 80 }] })
  reserveServiceNumbers(services, after, before)
  assert.equal(after.spec.clusterIP, '10.96.0.1')
  const local = serviceOf({ type: 'LoadBalancer', ports: [{ port: 80 }], externalTrafficPolicy: 'Local' })
  reserveServiceNumbers(services, local, undefined)
  assert.ok((local.spec.healthCheckNodePort ?? 0) > 30000)
})
