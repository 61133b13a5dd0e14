import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { volumeDirectory } from '../pods/pod-directory.ts'
import { csiInUse } from './csi-in-use.ts'
import { CSI_PLUGIN, stageFolder } from './csi-paths.ts'
import { writeRecord } from './csi-records.ts'

const { signal } = new AbortController()
const named = (handle: string) => ({ driver: 'd', handle })
const called = (handle: string) => `kubernetes.io/csi/d^${handle}`

function rootDirectory(context: TestContext): string {
  const rootDir = mkdtempSync(join(tmpdir(), 'csi-in-use-'))
  context.after(() => rmSync(rootDir, { recursive: true }))
  return rootDir
}

test('in use is what is in a pod, staged, or on its way; what is made with its pod nobody attaches', async (context) => {
  const rootDir = rootDirectory(context)
  const inUse = csiInUse({ rootDir, clock: manualClock() })
  assert.deepEqual(await inUse.list(), [])
  const record = async (folder: string, volumeHandle: string, volumeLifecycleMode: string | undefined) => {
    mkdirSync(folder, { recursive: true })
    await writeRecord(folder, { driverName: 'd', volumeHandle, volumeLifecycleMode })
  }
  await record(volumeDirectory(rootDir, 'uid', CSI_PLUGIN, 'pv'), 'in-pod', 'Persistent')
  await record(volumeDirectory(rootDir, 'uid', CSI_PLUGIN, 'own'), 'inline', 'Ephemeral')
  await record(stageFolder(rootDir, named('staged')), 'staged', undefined)
  const during = await inUse.during(named('coming'), () => inUse.list(), signal)
  assert.deepEqual(during, ['coming', 'in-pod', 'staged'].map(called))
  assert.deepEqual(await inUse.list(), ['in-pod', 'staged'].map(called))
})

test('the work waits until the status of the node says that the volume is in use, and no longer than half a minute', async (context) => {
  const clock = manualClock()
  const status: string[] = []
  const inUse = csiInUse({ rootDir: rootDirectory(context), reported: () => ({ volumesInUse: status }), clock })
  let looks = 0
  inUse.onChange(() => {
    looks += 1
  })
  let began = false
  const work = inUse.during(named('a'), async () => void (began = true), signal)
  await clock.advance(5_000)
  assert.deepEqual([began, looks], [false, 1])
  status.push(called('a'))
  await clock.advance(200)
  await work
  assert.equal(began, true)

  status.length = 0
  const refused = assert.rejects(
    inUse.during(named('a'), () => Promise.reject(new Error('it began')), signal),
    /kubernetes.io\/csi\/d\^a has not been added to the list of VolumesInUse in the node's volume status/,
  )
  await clock.advance(31_000)
  await refused
  assert.deepEqual(await inUse.list(), [])
})

test('attached is what one and the same status says is attached and in use', async (context) => {
  const rootDir = rootDirectory(context)
  let status: { volumesInUse?: string[]; volumesAttached?: { name: string; devicePath: string }[] } | undefined
  const inUse = csiInUse({ rootDir, reported: () => status, clock: manualClock() })
  assert.equal(inUse.isAttached(named('a')), false)
  const volumesAttached = [{ name: called('a'), devicePath: '' }]
  status = { volumesAttached }
  assert.equal(inUse.isAttached(named('a')), false, 'whoever detaches may not know of the use yet')
  status = { volumesInUse: [called('a')], volumesAttached: [] }
  assert.equal(inUse.isAttached(named('a')), false, 'it is being detached')
  status = { volumesInUse: [called('a')], volumesAttached }
  assert.equal(inUse.isAttached(named('a')), true)
  assert.equal(csiInUse({ rootDir, clock: manualClock() }).isAttached(named('a')), true, 'nobody keeps the status')
})
