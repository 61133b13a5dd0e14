import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DeepPartial } from '../../shared/client/client.ts'
import { createHttpClient } from '../../shared/client/http-client.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { NodeStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { CSIDriver } from '../../shared/openapi/generated/storage-v1.ts'
import { attachedVolumeName } from '../../shared/volumes/attachments.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { made, madePod } from '../../test/harness/admission-trial.ts'
import { scriptedDriver } from '../../test/harness/scripted-driver.ts'
import { scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { CsiDrivers } from '../csi/csi-drivers.ts'
import type { CsiNodeCalls } from '../csi/csi-messages.ts'
import { csiInUse } from './csi-in-use.ts'
import { csiVolumeOfPersistent } from './csi-volume.ts'
import { csiVolumes } from './csi-volumes.ts'
import type { TokenWish } from './service-account-token.ts'

const csi = { driver: 'd', volumeHandle: 'h' }
const called = attachedVolumeName({ driver: 'd', handle: 'h' })

/** A volume whose attachment stands, on a node whose status is the test's; `asked` is what the driver was asked, and with what. */
function scene(context: TestContext, settings?: DeepPartial<CSIDriver['spec']>) {
  const rootDir = mkdtempSync(join(tmpdir(), 'csi-attached-'))
  context.after(() => rmSync(rootDir, { recursive: true }))
  const clock = manualClock()
  const status: Pick<NodeStatus, 'volumesInUse' | 'volumesAttached'> = {}
  const asked: string[] = []
  const requests = new Map<string, Pick<CsiNodeCalls['NodeStageVolume' | 'NodePublishVolume']['request'], 'volumeContext' | 'secrets'>>()
  const answer = (name: 'NodeStageVolume' | 'NodePublishVolume') => async (request: CsiNodeCalls[typeof name]['request']) => {
    asked.push(name)
    requests.set(name, request)
    return {}
  }
  const drivers = new CsiDrivers()
  const calls = { NodeStageVolume: answer('NodeStageVolume'), NodePublishVolume: answer('NodePublishVolume') }
  drivers.add(scriptedDriver('d', calls, ['STAGE_UNSTAGE_VOLUME']))
  const transport = scriptedTransport(({ path }) => {
    if (path.includes('/volumeattachments/')) return { body: { metadata: {}, status: { attached: true } } }
    return path.includes('/csidrivers/') && settings ? { body: { metadata: { name: 'd' }, spec: settings } } : { status: 404 }
  })
  const client = createHttpClient(transport, { clock, userAgent: 'test' })
  const mounter = { mountsUnder: async () => [] }
  const inUse = csiInUse({ rootDir, reported: () => status, clock })
  const tools = { rootDir, nodeName: 'here', client, drivers, inUse, mounter, clock, log: silentLogger() }
  const issued = async (_pod: Pod, { audience }: TokenWish) => ({ token: `for ${audience}`, expiresAt: 0 })
  const volumes = csiVolumes({ ...tools, tokens: { issued } })
  const volume = csiVolumeOfPersistent(
    made('v1', 'PersistentVolume', { metadata: { name: 'pv' }, spec: { accessModes: ['ReadWriteOnce'], csi } }),
    false,
  )
  assert.ok(volume)
  const publish = () => volumes.publish(madePod({}, { uid: 'u' }), volume, join(rootDir, 'volume'), new AbortController().signal)
  return { clock, status, asked, requests, publish }
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

test('tokens are in the context of the volume, or among the secrets where the driver asks for that', async (context) => {
  const tokens = { 'csi.storage.k8s.io/serviceAccount.tokens': '{"a":{"token":"for a","expirationTimestamp":"1970-01-01T00:00:00Z"}}' }
  for (const serviceAccountTokenInSecrets of [undefined, true]) {
    const settings = { attachRequired: false, tokenRequests: [{ audience: 'a' }], serviceAccountTokenInSecrets }
    const { requests, publish } = scene(context, settings)
    await publish()
    const { volumeContext, secrets } = requests.get('NodePublishVolume') ?? {}
    assert.deepEqual([volumeContext, secrets], serviceAccountTokenInSecrets ? [{}, tokens] : [tokens, {}])
    assert.deepEqual(requests.get('NodeStageVolume')?.secrets, {})
  }
})
