import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { begun, grown, handedOver } from '../../shared/volumes/growth.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { planGrowth } from './claim-growth.ts'

type Status = Partial<PersistentVolumeClaim['status']>

const folder = { annotations: { 'pv.kubernetes.io/provisioned-by': 'coxswain/node-folder' } }
const claim = (asked: string, status: Status) =>
  made('v1', 'PersistentVolumeClaim', {
    ...{
      metadata: { name: 'data' },
      spec: { resources: { requests: { storage: asked } } },
      status: { phase: 'Bound', capacity: { storage: '1Gi' }, ...status },
    },
  })
const volume = (storage: string, spec: object = { local: { path: '/data' } }, metadata: object = folder) =>
  made('v1', 'PersistentVolume', { metadata, spec: { capacity: { storage }, ...spec } })
const in_ = (state: string, storage: string): Status => ({ allocatedResources: { storage }, allocatedResourceStatuses: { storage: state } })

const cases: [string, PersistentVolumeClaim, ReturnType<typeof volume>, ReturnType<typeof planGrowth>][] = [
  ['has what it asks for', claim('1Gi', {}), volume('1Gi'), { step: 'nothing' }],
  ['has more than it asks for', claim('512Mi', {}), volume('1Gi'), { step: 'nothing' }],
  ['asks for more', claim('2Gi', {}), volume('1Gi'), { step: 'grow', size: '2Gi', isVolumeSmaller: true, needsNode: false }],
  [
    'is a host path',
    claim('2Gi', {}),
    volume('1Gi', { hostPath: { path: '/d' } }, {}),
    { step: 'grow', size: '2Gi', isVolumeSmaller: true, needsNode: false },
  ],
  ['is a file server', claim('2Gi', {}), volume('1Gi', { nfs: { server: 'f', path: '/' } }, {}), { step: 'elsewhere' }],
  ["is a driver's", claim('2Gi', {}), volume('1Gi', { csi: { driver: 'd', volumeHandle: 'h' } }, {}), { step: 'elsewhere' }],
  [
    'is a local disk',
    claim('2Gi', {}),
    volume('1Gi', undefined, {}),
    { step: 'grow', size: '2Gi', isVolumeSmaller: true, needsNode: true },
  ],
  ['waits for its node', claim('2Gi', in_('NodeResizePending', '2Gi')), volume('2Gi', undefined, {}), { step: 'nothing' }],
  [
    'asks for still more while it waits for its node: first things first',
    ...([claim('3Gi', in_('NodeResizePending', '2Gi')), volume('2Gi', undefined, {})] as const),
    { step: 'nothing' },
  ],
  [
    'was cut short before its volume grew',
    ...([claim('2Gi', in_('ControllerResizeInProgress', '2Gi')), volume('1Gi')] as const),
    { step: 'grow', size: '2Gi', isVolumeSmaller: true, needsNode: false },
  ],
  [
    'was cut short after its volume grew, and asks for less by now: it has what there is',
    ...([claim('1500Mi', in_('ControllerResizeInProgress', '9Gi')), volume('9Gi')] as const),
    { step: 'grow', size: '9Gi', isVolumeSmaller: false, needsNode: false },
  ],
  [
    'was refused by its node, and asks for the same',
    ...([claim('9Gi', in_('NodeResizeInfeasible', '9Gi')), volume('9Gi', undefined, {})] as const),
    { step: 'nothing' },
  ],
  [
    'was refused by its node, and asks for less by now',
    ...([claim('2Gi', in_('NodeResizeInfeasible', '9Gi')), volume('9Gi', undefined, {})] as const),
    { step: 'grow', size: '2Gi', isVolumeSmaller: false, needsNode: true },
  ],
]
for (const [what, one, of, plan] of cases) {
  test(`growth of a claim that ${what}`, () => assert.deepEqual(planGrowth(one, of), plan))
}

test('the status on the way: allocated, resizing, pending at the node, and nothing left of it in the end', () => {
  const other = { type: 'ModifyingVolume', status: 'True' }
  const before = { phase: 'Bound', capacity: { storage: '1Gi' }, conditions: [other] }
  const first = begun(before, '2Gi', 0)
  assert.deepEqual(first.allocatedResources, { storage: '2Gi' })
  assert.deepEqual(first.allocatedResourceStatuses, { storage: 'ControllerResizeInProgress' })
  assert.deepEqual(first.conditions, [other, { type: 'Resizing', status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' }])
  assert.deepEqual(begun(first, '2Gi', 60_000), first, 'said once')
  const second = handedOver(first, '2Gi', 60_000)
  assert.deepEqual(second.allocatedResourceStatuses, { storage: 'NodeResizePending' })
  assert.deepEqual(
    second.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [
      ['ModifyingVolume', undefined],
      ['FileSystemResizePending', '1970-01-01T00:01:00Z'],
    ],
  )
  const last = { ...before, capacity: { storage: '2Gi' }, allocatedResources: { storage: '2Gi' } }
  assert.deepEqual(grown(second, '2Gi'), last)
})
