import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachmentName } from '../../shared/volumes/attachments.ts'
import { admissionTrial, made } from '../../test/harness/admission-trial.ts'

const STORAGE = 'storage.k8s.io/v1'
const driver = 'disks.example.com'
const request = { resource: 'volumeattachments', namespace: '' }

function scene() {
  const { reader, ...trial } = admissionTrial()
  const disk = (name: string, volumeHandle: string, accessModes = ['ReadWriteOnce']) =>
    reader.put('v1', 'PersistentVolume', { metadata: { name }, spec: { accessModes, csi: { driver, volumeHandle } } })
  const attachment = (
    persistentVolumeName: string,
    handle: string,
    nodeName: string,
    name = attachmentName({ driver, handle }, nodeName),
  ) => ({
    metadata: { name },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName } },
  })
  const wish = (...args: Parameters<typeof attachment>) => ({ ...request, object: made(STORAGE, 'VolumeAttachment', attachment(...args)) })
  return { ...trial, reader, disk, attachment, wish }
}

test('a volume that is for one node has one attachment; the answer says who has it', async () => {
  const { admit, refused, reader, disk, attachment, wish } = scene()
  disk('data', 'd1')
  await admit(wish('data', 'd1', 'a'))
  reader.put(STORAGE, 'VolumeAttachment', attachment('data', 'd1', 'a'))
  const error = await refused(wish('data', 'd1', 'b'), /the volume is for one node at a time, and node "a" has it/, 409)
  assert.equal(error.reason, 'Conflict')
  reader.remove(STORAGE, 'VolumeAttachment', attachmentName({ driver, handle: 'd1' }, 'a'))
  await admit(wish('data', 'd1', 'b'))
})

test('two PersistentVolumes with one handle are one volume', async () => {
  const { refused, admit, reader, disk, attachment, wish } = scene()
  disk('data', 'd1')
  disk('again', 'd1')
  disk('other', 'd2')
  reader.put(STORAGE, 'VolumeAttachment', attachment('data', 'd1', 'a'))
  await refused(wish('again', 'd1', 'b'), /node "a" has it/, 409)
  await admit(wish('other', 'd2', 'b'))
})

test('several nodes get what a mode gives to several, and attachments with names of their own are nobody else’s business', async () => {
  const { admit, reader, disk, attachment, wish } = scene()
  disk('data', 'd1', ['ReadWriteOnce', 'ReadWriteMany'])
  disk('mine', 'd2')
  reader.put(STORAGE, 'VolumeAttachment', attachment('data', 'd1', 'a'))
  reader.put(STORAGE, 'VolumeAttachment', attachment('mine', 'd2', 'a', 'by-hand'))
  await admit(wish('data', 'd1', 'b'))
  await admit(wish('mine', 'd2', 'b'))
  await admit(wish('mine', 'd2', 'c', 'by-hand-too'))
  await admit(wish('gone', 'd3', 'b'))
})
