import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registrationTaints, reservedOf } from './node-settings.ts'

test('what is kept back for the system and for the kubelet is kept back together', () => {
  const systemReserved = ['cpu=100m', 'memory=1Gi']
  assert.deepEqual(reservedOf({ systemReserved, kubeReserved: ['cpu=250m', 'ephemeral-storage=1Mi'] }), {
    ...{ cpuMillis: 350, memoryBytes: 2 ** 30, storageBytes: 2 ** 20 },
  })
  assert.throws(() => reservedOf({ systemReserved, kubeReserved: ['gpu=1'] }), /--kube-reserved: "gpu" is none of cpu, memory/)
})

test('a node of a cloud begins with the taint of the uninitialised, once', () => {
  const uninitialized = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' }
  const registerWithTaints = [`${uninitialized.key}=true:NoSchedule`, 'a:NoExecute']
  assert.deepEqual(registrationTaints({ registerWithTaints, cloudProvider: 'external' }), [
    { key: 'a', effect: 'NoExecute' },
    uninitialized,
  ])
  assert.deepEqual(registrationTaints({ registerWithTaints: ['a:NoExecute'], cloudProvider: '' }), [{ key: 'a', effect: 'NoExecute' }])
})
