import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { podAdmission } from './pod-admission.ts'

const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  spec: {},
  status: { daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } }, nodeInfo: {} as Node['status']['nodeInfo'] },
}

const pod = (uid: string, hostPort: number, protocol = 'TCP', hostIP?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: uid, namespace: 'default', uid },
  spec: {
    containers: [
      { name: 'c', image: 'i', resources: {}, ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP ? { hostIP } : {}) }] },
    ],
  },
  status: {},
})

test('no pod is given the port of the node at which the kubelet is reached', () => {
  const admission = podAdmission(() => node, { hasAppArmor: () => false })
  assert.equal(admission.admit(pod('thief', 10_250))?.reason, 'NodePorts')
  assert.equal(admission.admit(pod('other', 10_250, 'UDP')), undefined)
  assert.equal(admission.admit(pod('first', 8080)), undefined)
  assert.equal(admission.admit(pod('second', 8080))?.reason, 'NodePorts')
})

test('a port is free on one address while another pod has it on another, and on none while one has it on all', () => {
  const admission = podAdmission(() => node, { hasAppArmor: () => false })
  assert.equal(admission.admit(pod('loopback', 53, 'UDP', '127.0.0.1')), undefined)
  assert.equal(admission.admit(pod('inner', 53, 'UDP', '192.0.2.1')), undefined)
  assert.equal(admission.admit(pod('same', 53, 'UDP', '192.0.2.1'))?.reason, 'NodePorts')
  assert.equal(admission.admit(pod('all', 53, 'UDP'))?.reason, 'NodePorts')
  assert.equal(admission.admit(pod('zeros', 53, 'UDP', '0.0.0.0'))?.reason, 'NodePorts')
  assert.equal(admission.admit(pod('tcp', 53, 'TCP')), undefined)
  assert.equal(admission.admit(pod('tcp-on-one', 53, 'TCP', '127.0.0.1'))?.reason, 'NodePorts')
  admission.release('tcp')
  assert.equal(admission.admit(pod('tcp-on-one', 53, 'TCP', '127.0.0.1')), undefined)
})

test('of pods that wait to be resized the one that matters more has the room first, however long the other has waited', () => {
  const place: Node = { ...node, status: { ...node.status, allocatable: { cpu: '4', pods: '110' } } }
  const admission = podAdmission(() => place, { hasAppArmor: () => false })
  const sized = (uid: string, cpu: string, priority: number): Pod => ({
    ...pod(uid, 8080),
    spec: { priority, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
  })
  for (const [uid, priority] of [
    ['low', 1],
    ['high', 9],
    ['other', 0],
  ] as const)
    assert.equal(admission.admit(sized(uid, '1', priority)), undefined)
  assert.equal(admission.resize(sized('low', '3', 1))?.reason, 'Deferred')
  assert.equal(admission.resize(sized('high', '3', 9))?.reason, 'Deferred')
  admission.release('other')
  assert.equal(admission.resize(sized('low', '3', 1))?.reason, 'Deferred', 'the room is kept for the other')
  assert.equal(admission.resize(sized('low', '500m', 1)), undefined, 'who gives back never waits')
  assert.equal(admission.resize(sized('low', '2', 1))?.reason, 'Deferred')
  assert.equal(admission.resize(sized('high', '3', 9)), undefined)
  assert.equal(admission.resize(sized('low', '1', 1)), undefined)
})

test('a wish that was taken back keeps no room', () => {
  const place: Node = { ...node, status: { ...node.status, allocatable: { cpu: '4', pods: '110' } } }
  const admission = podAdmission(() => place, { hasAppArmor: () => false })
  const sized = (uid: string, cpu: string, priority: number): Pod => ({
    ...pod(uid, 8080),
    spec: { priority, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
  })
  for (const [uid, priority] of [
    ['low', 1],
    ['high', 9],
    ['other', 0],
  ] as const)
    assert.equal(admission.admit(sized(uid, '1', priority)), undefined)
  assert.equal(admission.resize(sized('high', '3', 9))?.reason, 'Deferred')
  assert.equal(admission.resize(sized('low', '2', 1)), undefined, 'there is no room for the other, but for this')
  assert.equal(admission.resize(sized('low', '1', 1)), undefined)
  admission.release('other')
  assert.equal(admission.resize(sized('low', '3', 1))?.reason, 'Deferred', 'the room that came is kept')
  admission.forgo('high')
  assert.equal(admission.resize(sized('low', '3', 1)), undefined)
})

test('a critical pod has room made for it on a full node, another pod has not', () => {
  const place: Node = { ...node, status: { ...node.status, allocatable: { cpu: '2', pods: '3' } } }
  const ended: string[][] = []
  const makeRoom = (victims: readonly Pod[]) => void ended.push(victims.map(({ metadata }) => metadata.uid ?? ''))
  const admission = podAdmission(() => place, { hasAppArmor: () => false }, { pressure: () => new Set(), makeRoom })
  const sized = (uid: string, cpu: string, priority = 0): Pod => ({
    ...pod(uid, 0),
    spec: { priority, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
  })
  const critical = 2_000_000_000
  assert.equal(admission.admit(sized('own', '500m', critical)), undefined)
  assert.equal(admission.admit(sized('large', '1', 5)), undefined)
  assert.equal(admission.admit(sized('small', '500m', 5)), undefined)
  assert.equal(admission.admit(sized('late', '100m', 1_000_000_000))?.reason, 'OutOfpods')
  assert.deepEqual(ended, [])
  // A place and half a core are missing: the small one is enough.
  assert.equal(admission.admit(sized('needed', '500m', critical)), undefined)
  assert.deepEqual(ended, [['small']])
  // Not even both together would do: nobody is ended for nothing, least of all who is as important.
  assert.equal(admission.admit(sized('huge', '1900m', critical))?.reason, 'OutOfpods')
  assert.deepEqual(ended, [['small']])
})
