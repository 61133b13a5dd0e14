import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Client } from '../../shared/client/client.ts'
import { type EventRecorder, silentRecorder } from '../../shared/client/event-recorder.ts'
import type { PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { handedOver } from '../../shared/volumes/growth.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { loopDevice } from '../../test/harness/loop-device.ts'
import { removeFolder } from './folders.ts'
import { localDevices } from './local-device.ts'
import { linuxMounter } from './mounter.ts'
import { growOnNode, InfeasibleGrowth, type NodeGrowth } from './node-growth.ts'

const MIB = 2 ** 20
const clock = realClock()
const mounter = linuxMounter(clock)
const { signal } = new AbortController()
const skip = process.getuid?.() !== 0 && 'mounting needs root'
const ext4 = { fsType: 'ext4', settings: [], mustGrow: false }

function bench(context: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'device-'))
  // Before the device goes.
  context.after(() => removeFolder(root, mounter, signal))
  return { target: join(root, 'mount'), other: join(root, 'other'), devices: localDevices(mounter, clock) }
}
const volumeOn = (path: string) =>
  made('v1', 'PersistentVolume', { metadata: { name: 'disk' }, spec: { capacity: { storage: '64Mi' }, local: { path } } })
const pod = made('v1', 'Pod', { metadata: { name: 'web', namespace: 'default', uid: 'u1' } })

test('an empty disk gets a file system once; two pods of a node share it', { skip }, async (context) => {
  const { target, other, devices } = bench(context)
  const disk = loopDevice(context, 16 * MIB)
  if (!disk) return
  await Promise.all([devices.mount(disk.path, target, ext4, signal), devices.mount(disk.path, other, ext4, signal)])
  writeFileSync(join(target, 'file'), 'data')
  assert.equal(readFileSync(join(other, 'file'), 'utf8'), 'data')
  for (const point of [target, other]) await mounter.unmount(point, signal)
  await devices.mount(disk.path, target, ext4, signal)
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'data')
})

test('what is on a disk and is no file system is left as it is', { skip }, async (context) => {
  const { target, devices } = bench(context)
  const disk = loopDevice(context, 16 * MIB)
  if (!disk) return
  assert.equal(spawnSync('mkswap', [disk.path]).status, 0)
  await assert.rejects(devices.mount(disk.path, target, ext4, signal), /is not empty and has no file system.*TYPE=swap/)
  assert.match(spawnSync('blkid', ['-p', disk.path], { encoding: 'utf8' }).stdout, /swap/)
})

/** A claim that waits for its node, and what is said of it. */
function waitingClaim() {
  const statuses: PersistentVolumeClaim['status'][] = []
  const client = {
    async updateStatus(_version: string, _kind: string, { status }: PersistentVolumeClaim) {
      statuses.push(status)
      return { ...claim, status }
    },
  } as unknown as Client
  const claim = made('v1', 'PersistentVolumeClaim', { metadata: { name: 'data' }, spec: { resources: {} } })
  claim.status = handedOver({ phase: 'Bound', capacity: { storage: '16Mi' } }, '64Mi', 0)
  const told: string[] = []
  const events: EventRecorder = { ...silentRecorder(), record: (_about, _type, reason, message) => void told.push(`${reason} ${message}`) }
  const said = () => statuses.map((each) => [each.capacity?.['storage'], each.allocatedResourceStatuses?.['storage']])
  const grow = (growths: readonly NodeGrowth[], place: { path: string; hostPath: string }) =>
    growOnNode(pod, claim, { ...place, volume: volumeOn(place.path), directory: '' }, { client, events, growths }, signal)
  return { told, said, grow }
}

test('the file system of a disk that was enlarged grows, and the claim says so', { skip }, async (context) => {
  const { target, other, devices } = bench(context)
  const disk = loopDevice(context, 16 * MIB)
  if (!disk) return
  await devices.mount(disk.path, target, ext4, signal)
  writeFileSync(join(target, 'file'), 'data')
  const size = () => statfsSync(target).blocks * statfsSync(target).bsize
  const before = size()
  disk.resize(64 * MIB)
  // While it is used: the kernel wants the capability SYS_RESOURCE for that.
  const capabilities = BigInt(`0x${/CapEff:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`)
  const inUse = waitingClaim()
  await inUse.grow([devices], { path: disk.path, hostPath: target })
  if ((capabilities & (1n << 24n)) === 0n) {
    assert.match(inUse.told.join(), /VolumeResizeFailed NodeExpandVolume failed for volume "disk" : resize2fs .*Permission denied/s)
    assert.deepEqual(inUse.said(), [['16Mi', 'NodeResizeInProgress']])
    // Another pod that begins while this one has it mounted waits for it no longer than the check.
    await devices.mount(disk.path, other, { ...ext4, mustGrow: true }, signal)
    assert.equal(size(), before)
    // When all have given it back, the next pod's start can.
    for (const point of [target, other]) await mounter.unmount(point, signal)
    await devices.mount(disk.path, target, { ...ext4, mustGrow: true }, signal)
  }
  assert.ok(size() > before + 40 * MIB, `${before} → ${size()}`)
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'data')
  const last = waitingClaim()
  await last.grow([devices], { path: disk.path, hostPath: target })
  assert.deepEqual(last.said(), [
    ['16Mi', 'NodeResizeInProgress'],
    ['64Mi', undefined],
  ])
  assert.match(last.told.join(), /^FileSystemResizeSuccessful/)
})

test('a node that never can says so; one that could not this time leaves the claim to be tried again', async () => {
  const place = { path: '/dev/none', hostPath: '/none' }
  const fail = (error: Error) => ({ supports: () => true, grow: () => Promise.reject(error) })
  const never = waitingClaim()
  await never.grow([fail(new InfeasibleGrowth('too large'))], place)
  assert.deepEqual(never.said().at(-1), ['16Mi', 'NodeResizeInfeasible'])
  const later = waitingClaim()
  await later.grow([fail(new Error('busy'))], place)
  assert.deepEqual(later.said().at(-1), ['16Mi', 'NodeResizeInProgress'])
  assert.match(later.told.join(), /VolumeResizeFailed .*busy/)
})
