import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachedVolumeName, attachmentName } from '../../shared/volumes/attachments.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { type NodeVolumes, planAttachments } from './attachments.ts'

const driver = 'disks.example.com'
const disk = (handle: string, accessModes = ['ReadWriteOnce']) =>
  made('v1', 'PersistentVolume', { metadata: { name: `pv-${handle}` }, spec: { accessModes, csi: { driver, volumeHandle: handle } } })
const nameOf = (handle: string) => attachmentName({ driver, handle }, 'node-1')
const called = (handle: string) => attachedVolumeName({ driver, handle })
const needs = (handle: string, accessModes?: string[]) => ({ name: nameOf(handle), volume: disk(handle, accessModes), pods: [] })
const has = (handle: string, metadata: object = {}, attached = true) =>
  made('storage.k8s.io/v1', 'VolumeAttachment', {
    metadata: { name: nameOf(handle), ...metadata },
    spec: { attacher: driver, nodeName: 'node-1', source: { persistentVolumeName: `pv-${handle}` } },
    status: { attached },
  })

function plan(seen: Partial<NodeVolumes>) {
  const { attach, refused, detach, awaited, againMilliseconds, volumesAttached } = planAttachments({
    ...{ nodeName: 'node-1', exists: true, isReady: true, isOutOfService: false, volumesInUse: [], volumesAttached: [], needed: [] },
    ...{ attachments: [], volumeNamed: (name: string) => disk(name.replace('pv-', '')), holders: () => [], unneededFor: () => 0 },
    ...seen,
  })
  return {
    attach: attach.map(({ volume }) => volume.metadata.name),
    refused: refused.map(({ needed, holders }) => [needed.volume.metadata.name, ...holders]),
    detach: detach.map(({ metadata }) => metadata.name),
    awaited: awaited.map(({ metadata }) => metadata.name),
    ...{ again: againMilliseconds, says: volumesAttached.map(({ name }) => name) },
  }
}
const nothing: ReturnType<typeof plan> = { attach: [], refused: [], detach: [], awaited: [], again: undefined, says: [] }
const unused = { attachments: [has('a')] }
const used = { ...unused, volumesInUse: [called('a')] }

const cases: [string, Partial<NodeVolumes>, Partial<ReturnType<typeof plan>>][] = [
  ['a volume that is needed is attached', { needed: [needs('a')] }, { attach: ['pv-a'] }],
  ['not to a node that is gone', { needed: [needs('a')], exists: false }, {}],
  ['nor twice', { needed: [needs('a')], attachments: [has('a')] }, { says: [called('a')] }],
  ['what is not attached yet is not said to be', { needed: [needs('a')], attachments: [has('a', {}, false)] }, {}],
  ['one node at a time', { needed: [needs('a')], holders: () => ['node-2'] }, { refused: [['pv-a', 'node-2']] }],
  ['ReadWriteOncePod too', { needed: [needs('a', ['ReadWriteOncePod'])], holders: () => ['node-2'] }, { refused: [['pv-a', 'node-2']] }],
  ['several where a mode allows', { needed: [needs('a', ['ReadWriteOnce', 'ReadOnlyMany'])], holders: () => ['b'] }, { attach: ['pv-a'] }],
  ['several where no mode is said', { needed: [needs('a', [])], holders: () => ['b'] }, { attach: ['pv-a'] }],
  ['what nobody needs is detached', unused, { detach: [nameOf('a')] }],
  ['what the node uses is waited for', used, { awaited: [nameOf('a')], says: [called('a')] }],
  ['for ever while it is ready', { ...used, unneededFor: () => 1e9 }, { awaited: [nameOf('a')], says: [called('a')] }],
  [
    'six minutes while it is not',
    { ...used, isReady: false, unneededFor: () => 359_000 },
    { awaited: [nameOf('a')], says: [called('a')], again: 1_000 },
  ],
  ['no longer', { ...used, isReady: false, unneededFor: () => 360_000 }, { detach: [nameOf('a')] }],
  ['not at all when it is out of service', { ...used, isOutOfService: true }, { detach: [nameOf('a')] }],
  ['nor when it is gone', { ...used, exists: false, isReady: false }, { detach: [nameOf('a')] }],
  [
    'what is going is let go, and not made again before it has gone',
    { needed: [needs('a')], attachments: [has('a', { deletionTimestamp: '2026-01-01T00:00:00Z' })] },
    {},
  ],
  ["other people's attachments are theirs", { attachments: [has('a', { name: 'mine' })] }, { says: [called('a')] }],
  ['a volume that is gone is waited for by its name alone', { ...used, volumeNamed: () => undefined }, { awaited: [nameOf('a')] }],
  [
    'and stays in the status that knew it',
    { ...used, volumeNamed: () => undefined, volumesAttached: [{ name: called('a'), devicePath: '' }] },
    { awaited: [nameOf('a')], says: [called('a')] },
  ],
]

for (const [title, seen, expected] of cases) test(title, () => assert.deepEqual(plan(seen), { ...nothing, ...expected }))
