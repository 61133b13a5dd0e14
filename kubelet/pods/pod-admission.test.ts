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
