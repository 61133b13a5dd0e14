import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptBackOf, registrationTaints, reservedOf } from './node-settings.ts'

test('what is kept back for the system and for the kubelet is kept back together', () => {
  const systemReserved = ['cpu=100m', 'memory=1Gi']
  assert.deepEqual(reservedOf({ systemReserved, kubeReserved: ['cpu=250m', 'ephemeral-storage=1Mi'] }), {
    ...{ cpuMillis: 350, memoryBytes: 2 ** 30, storageBytes: 2 ** 20 },
  })
  assert.throws(() => reservedOf({ systemReserved, kubeReserved: ['gpu=1'] }), /--kube-reserved: "gpu" is none of cpu, memory/)
})

test('pods are not promised what they would be evicted for, as upstream counts it', () => {
  const soft = { evictionSoft: ['memory.available<50%'], evictionSoftGracePeriod: ['memory.available=1m'], evictionMinimumReclaim: [] }
  const hard = { evictionHard: ['memory.available<100Mi', 'nodefs.available<10%', 'pid.available<5'] }
  const keptBack = keptBackOf({ systemReserved: ['memory=1Gi'], kubeReserved: [], ...soft, ...hard })
  assert.deepEqual(keptBack({ cpuMillis: 1000, memoryBytes: 2 ** 32, storageBytes: 1000 }), {
    ...{ cpuMillis: 0, memoryBytes: 2 ** 30 + 100 * 2 ** 20, storageBytes: 100 },
  })
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
