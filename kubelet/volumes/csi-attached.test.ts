import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Client } from '../../shared/client/client.ts'
import { notFound } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { NodeStatus } from '../../shared/openapi/generated/core-v1.ts'
import { attachedVolumeName } from '../../shared/volumes/attachments.ts'
import { made, madePod } from '../../test/harness/admission-trial.ts'
import { manualClock } from '../../test/harness/manual-clock.ts'
import type { CsiDrivers } from '../csi/csi-drivers.ts'
import { csiInUse } from './csi-in-use.ts'
import { csiVolumeOfPersistent } from './csi-volume.ts'
import { csiVolumes } from './csi-volumes.ts'
import type { Mounter } from './mounter.ts'
import type { ServiceAccountTokens } from './service-account-token.ts'

const csi = { driver: 'd', volumeHandle: 'h' }
const called = attachedVolumeName({ driver: 'd', handle: 'h' })

/** A volume whose attachment stands, on a node whose status is the test's; `asked` is what the driver was asked. */
function scene(context: TestContext) {
  const rootDir = mkdtempSync(join(tmpdir(), 'csi-attached-'))
  context.after(() => rmSync(rootDir, { recursive: true }))
  const clock = manualClock()
  const status: Pick<NodeStatus, 'volumesInUse' | 'volumesAttached'> = {}
  const asked: string[] = []
  const call = async (name: string) => void asked.push(name)
  const drivers = { get: () => ({ call, capabilities: async () => new Set(['STAGE_UNSTAGE_VOLUME']) }) } as unknown as CsiDrivers
  const client = {
    async get(_version: string, kind: string) {
      if (kind === 'VolumeAttachment') return { metadata: {}, status: { attached: true } }
      throw notFound({ group: 'storage.k8s.io', resource: kind.toLowerCase() }, 'd')
    },
  } as unknown as Client
  const mounter = { mountsUnder: async () => [] } as unknown as Mounter
  const inUse = csiInUse({ rootDir, reported: () => status, clock })
  const tools = { rootDir, nodeName: 'here', client, drivers, inUse, mounter, clock, log: silentLogger() }
  const volumes = csiVolumes({ ...tools, tokens: {} as ServiceAccountTokens })
  const volume = csiVolumeOfPersistent(
    made('v1', 'PersistentVolume', { metadata: { name: 'pv' }, spec: { accessModes: ['ReadWriteOnce'], csi } }),
    false,
  )
  assert.ok(volume)
  const publish = () => volumes.publish(madePod({}, { uid: 'u' }), volume, join(rootDir, 'volume'), new AbortController().signal)
  return { clock, status, asked, publish }
}

test('a volume whose attachment is about to be deleted, as the status of the node says first, is not begun with', async (context) => {
  const { clock, status, asked, publish } = scene(context)
  status.volumesInUse = [called]
  const work = publish()
  await clock.advance(5_000)
  assert.deepEqual(asked, [])
  status.volumesAttached = [{ name: called, devicePath: '' }]
  await clock.advance(1_000)
  await work
  assert.deepEqual(asked, ['NodeStageVolume', 'NodePublishVolume'])
})

test('nor does the pod wait for it without a word', async (context) => {
  const { clock, status, asked, publish } = scene(context)
  status.volumesInUse = [called]
  const refused = assert.rejects(publish(), /to attach volume h: Volume not attached according to node status/)
  await clock.advance(31_000)
  await refused
  assert.deepEqual(asked, [])
})
