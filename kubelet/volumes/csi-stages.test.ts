import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { scriptedDriver } from '../../test/harness/scripted-driver.ts'
import { CsiDrivers } from '../csi/csi-drivers.ts'
import { stageFolder } from './csi-paths.ts'
import { writeRecord } from './csi-records.ts'
import { csiStages } from './csi-stages.ts'
import { Turns } from './turns.ts'

test('a record that nobody can read keeps no other volume on the node', async (context) => {
  const rootDir = mkdtempSync(join(tmpdir(), 'csi-stages-'))
  context.after(() => rmSync(rootDir, { recursive: true }))
  const folderOf = (handle: string) => stageFolder(rootDir, { driver: 'd.example.com', handle })
  for (const handle of ['one', 'garbled', 'three']) {
    mkdirSync(join(folderOf(handle), 'globalmount'), { recursive: true })
    await writeRecord(folderOf(handle), {
      ...{ specVolID: handle, volumeHandle: handle, driverName: 'd.example.com' },
      ...{ nodeName: 'n', volumeLifecycleMode: 'Persistent' },
    })
  }
  writeFileSync(join(folderOf('garbled'), 'vol_data.json'), '{"driverName": "d.exam')
  const unstaged: string[] = []
  const drivers = new CsiDrivers()
  drivers.add(
    scriptedDriver('d.example.com', {
      async NodeUnstageVolume({ volumeId }) {
        unstaged.push(volumeId)
        return {}
      },
    }),
  )
  const mounter = { mountsUnder: async () => [] }
  const stages = csiStages({ rootDir, drivers, mounter, turns: new Turns(), log: silentLogger() })
  await stages.sweep(new AbortController().signal)
  assert.deepEqual(unstaged.sort(), ['one', 'three'])
  assert.deepEqual(
    ['one', 'garbled', 'three'].map((handle) => existsSync(folderOf(handle))),
    [false, true, false],
  )
})
