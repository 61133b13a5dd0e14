import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { startRealNode } from '../harness/kubelet-process.ts'

const podOf = (name: string, script: string, more: object = {}) => ({
  metadata: { name },
  spec: {
    containers: [
      {
        ...{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] },
        volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
      },
    ],
    volumes: [{ name: 'scratch', emptyDir: {} }],
    ...more,
  },
})

test('a pod that fills the node’s disk is evicted, and the others stay', async (t) => {
  const node = await startRealNode(
    '10.199.93.0/24',
    [],
    ['--eviction-hard=nodefs.available<30Mi', '--eviction-pressure-transition-period=1s'],
  )
  t.after(async () => {
    await node.dispose()
  })
  // A disk of its own, small enough to be filled.
  mkdirSync(node.rootDir, { recursive: true })
  await outputOf('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'small-disk', node.rootDir])
  await node.joined()
  const { client } = node
  await client.create('v1', 'Pod', podOf('modest', 'head -c 4000000 /dev/zero > /scratch/little; sleep 1000'), { namespace: 'default' })
  const fill = 'head -c 75000000 /dev/zero > /scratch/much; sleep 1000'
  await client.create('v1', 'Pod', podOf('filler', fill, { terminationGracePeriodSeconds: 0 }), { namespace: 'default' })
  const isEvicted = (pod: Pod) => pod.metadata.name === 'filler' && pod.status.reason === 'Evicted'
  const pods = await eventually(client, ['v1', 'Pod'], (all) => all.some(isEvicted), { namespace: 'default', withinMilliseconds: 90_000 })
  const filler = pods.find(({ metadata }) => metadata.name === 'filler')
  assert.match(
    filler?.status.message ?? '',
    /^The node was low on resource: ephemeral-storage\. Threshold quantity: 30Mi, available: \d+Ki\. /,
  )
  assert.equal(pods.find(({ metadata }) => metadata.name === 'modest')?.status.phase, 'Running')
  await eventually(client, ['v1', 'Node'], ([one]) => isTrue(one?.status.conditions, 'DiskPressure'))
})
