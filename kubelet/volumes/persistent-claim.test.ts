import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Client, DeepPartial } from '../../shared/client/client.ts'
import { type EventRecorder, silentRecorder } from '../../shared/client/event-recorder.ts'
import { notFound, StatusError } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { handedOver } from '../../shared/volumes/growth.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { createCsi } from '../csi/create-csi.ts'
import { localDevices } from './local-device.ts'
import type { MountCondition, Mounter } from './mounter.ts'
import { nfs } from './nfs.ts'
import { isGivenUp, nodeFolders } from './node-folders.ts'
import { persistentClaims, volumesInUse } from './persistent-claim.ts'
import { podVolumes } from './pod-volumes.ts'
import { serviceAccountTokens } from './service-account-token.ts'

const FOLDER = 'coxswain/node-folder'
const OURS = { 'pv.kubernetes.io/provisioned-by': FOLDER, 'coxswain/node': 'here' }
const claimRef = { namespace: 'default', name: 'data', uid: 'c1' }

/** A node `here` with a claim `data` bound to the volume `disk`, which the test says. */
function bench(context: TestContext) {
  const rootDir = mkdtempSync(join(tmpdir(), 'claims-'))
  context.after(() => rmSync(rootDir, { recursive: true, force: true }))
  const stopped = new AbortController()
  context.after(() => stopped.abort())
  const { signal } = stopped
  const objects = new Map<string, object>()
  const mounts: string[] = []
  const client = {
    async get(_version: string, kind: string, { name }: { name: string }) {
      const found = objects.get(`${kind} ${name}`)
      if (found) return structuredClone(found)
      // As the node authoriser answers for what does not exist.
      if (kind === 'PersistentVolume') throw new StatusError('Forbidden', 'no relationship found')
      throw notFound({ group: '', resource: kind.toLowerCase() }, name)
    },
    async update(_version: string, kind: string, object: { metadata: { name: string } }) {
      objects.set(`${kind} ${object.metadata.name}`, structuredClone(object))
      return object
    },
    async updateStatus(_version: string, kind: string, object: { metadata: { name: string } }) {
      objects.set(`${kind} ${object.metadata.name}`, structuredClone(object))
      return object
    },
  } as unknown as Client
  const server: { condition: MountCondition } = { condition: 'answers' }
  const mounter: Mounter = {
    memory: async () => {},
    bind: async () => {},
    fileSystem: async (type, source, target, options) => void mounts.push(`${target} ${type} ${source} ${options.join()}`),
    async unmount(target) {
      mounts.splice(
        mounts.findIndex((mount) => mount.startsWith(`${target} `)),
        1,
      )
    },
    condition: async () => server.condition,
    mountsUnder: async (path) =>
      mounts.map((mount) => mount.split(' ')[0] ?? '').filter((point) => point === path || point.startsWith(`${path}/`)),
  }
  const clock = manualClock()
  const tools = { client, mounter, clock, log: silentLogger() }
  const folders = nodeFolders({ ...tools, rootDir, nodeName: 'here', inUse: () => volumesInUse(rootDir) })
  const node = () => made('v1', 'Node', { metadata: { name: 'here', labels: { 'kubernetes.io/hostname': 'here' } } })
  const told: string[] = []
  const events: EventRecorder = {
    ...silentRecorder(),
    record: ({ kind }, type, reason, message) => void told.push(`${kind} ${type} ${reason} ${message}`),
  }
  const devices = localDevices(mounter, clock)
  const { volumes: csiVolumes } = createCsi({ ...tools, rootDir, nodeName: 'here', tokens: serviceAccountTokens(client, clock, tools.log) })
  const claims = { client, mounter, folders, csiVolumes, rootDir, devices, growths: [devices], events, node }
  const types = [persistentClaims(claims), nfs(mounter)]
  const volumes = podVolumes({ rootDir, types, mounter, log: silentLogger() })
  const setVolume = (spec: DeepPartial<PersistentVolume['spec']>, metadata: object = {}, status: object = {}) =>
    objects.set(
      'PersistentVolume disk',
      made('v1', 'PersistentVolume', { metadata: { name: 'disk', ...metadata }, spec: { claimRef, ...spec }, status }),
    )
  const setClaim = (more: object = {}) =>
    objects.set(
      'PersistentVolumeClaim data',
      made('v1', 'PersistentVolumeClaim', {
        ...{
          metadata: { namespace: 'default', name: 'data', uid: 'c1', ...more },
          spec: { resources: {}, volumeName: 'disk' },
          status: { phase: 'Bound' },
        },
      }),
    )
  setClaim()
  const folder = join(rootDir, 'persistent-volumes', 'disk')
  const provisioned = (metadata: object = {}, status: object = {}, spec: object = {}) =>
    setVolume({ local: { path: folder }, persistentVolumeReclaimPolicy: 'Delete', ...spec }, { annotations: OURS, ...metadata }, status)
  const finalizers = () => (objects.get('PersistentVolume disk') as PersistentVolume).metadata.finalizers ?? []
  const prepare = async (volume: Partial<Volume> = {}, spec: DeepPartial<Pod['spec']> = {}, uid = 'u1') => {
    const pod = made('v1', 'Pod', {
      metadata: { name: 'web', namespace: 'default', uid },
      spec: { ...spec, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' }, ...volume }] },
    })
    return (await volumes.prepare(pod, signal)).get('v')
  }
  const sweep = async () => {
    const until = new AbortController()
    const running = folders.run(until.signal)
    await clock.settle()
    until.abort()
    await running
  }
  const used = (uid = 'u1') => {
    const claimed = { name: 'v', persistentVolumeClaim: { claimName: 'data' } }
    return volumes.usage(made('v1', 'Pod', { metadata: { name: 'web', uid }, spec: { volumes: [claimed] } }), signal)
  }
  return {
    server,
    used,
    rootDir,
    objects,
    mounts,
    told,
    volumes,
    signal,
    folder,
    setVolume,
    setClaim,
    provisioned,
    finalizers,
    prepare,
    sweep,
  }
}

test('a provisioned folder is made once, told to the server, and kept when the pod goes', async (context) => {
  const { provisioned, prepare, folder, finalizers, volumes, signal, rootDir, sweep } = bench(context)
  provisioned()
  assert.deepEqual(await prepare(), { hostPath: folder, readOnly: false })
  assert.equal(statSync(folder).mode & 0o777, 0o777)
  assert.deepEqual(finalizers(), [FOLDER])
  writeFileSync(join(folder, 'file'), 'data')
  assert.deepEqual([...(await volumesInUse(rootDir))], ['disk'])
  await volumes.teardown('u1', signal)
  assert.equal((await volumesInUse(rootDir)).size, 0)
  await sweep()
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'data')
  await prepare()
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'data')
})

test('data that is gone is told, and no empty folder put in its place', async (context) => {
  const { provisioned, prepare, folder } = bench(context)
  provisioned({ finalizers: [FOLDER] })
  await assert.rejects(
    prepare(),
    /MountVolume.SetUp failed for volume "v" : the folder .*disk is gone, and with it the data of volume "disk"/,
  )
  assert.ok(!existsSync(folder))
})

test('a folder goes when its volume was given up, never while a pod has it', async (context) => {
  const { provisioned, prepare, folder, finalizers, volumes, signal, sweep, mounts } = bench(context)
  provisioned()
  await prepare()
  writeFileSync(join(folder, 'file'), 'data')
  const going = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['other', FOLDER] }
  provisioned(going, { phase: 'Released' })
  await sweep()
  assert.ok(existsSync(join(folder, 'file')), 'in use')
  await volumes.teardown('u1', signal)
  mounts.push(`${folder}/inside nfs x `)
  await sweep()
  assert.ok(existsSync(join(folder, 'file')), 'something is mounted in it')
  mounts.length = 0
  await sweep()
  assert.ok(!existsSync(folder))
  assert.deepEqual(finalizers(), ['other'])
})

test("what is not known is kept, unless it is empty; a half-made folder is nobody's business", async (context) => {
  const { rootDir, sweep } = bench(context)
  const at = (name: string) => join(rootDir, 'persistent-volumes', name)
  for (const name of ['full', 'empty', 'half~']) mkdirSync(at(name), { recursive: true })
  writeFileSync(join(at('full'), 'file'), 'data')
  await sweep()
  assert.deepEqual(
    ['full', 'empty', 'half~'].map((name) => existsSync(at(name))),
    [true, false, true],
  )
})

const given = { deletionTimestamp: '2026-01-01T00:00:00Z', annotations: OURS }
const kept: [string, object, object, object][] = [
  ['nobody deleted', { annotations: OURS }, {}, {}],
  ['is bound', given, {}, { phase: 'Bound' }],
  ['is to be retained', given, { persistentVolumeReclaimPolicy: 'Retain' }, {}],
  ['somebody else made', { ...given, annotations: { 'coxswain/node': 'here' } }, {}, {}],
  ["is another node's", { ...given, annotations: { ...OURS, 'coxswain/node': 'there' } }, {}, {}],
  ['lies elsewhere', given, { local: { path: '/etc' } }, {}],
]
for (const [what, metadata, spec, status] of kept) {
  test(`the data of a volume that ${what} stays`, () => {
    const volume = (m: object, s: object, t: object) =>
      made('v1', 'PersistentVolume', {
        ...{ metadata: { name: 'disk', ...m }, spec: { persistentVolumeReclaimPolicy: 'Delete', local: { path: '/v/disk' }, ...s } },
        status: { phase: 'Released', ...t },
      })
    assert.equal(isGivenUp(volume(given, {}, {}), 'here', '/v/disk'), true)
    assert.equal(isGivenUp(volume(metadata, spec, status), 'here', '/v/disk'), false)
  })
}

test('volumes that people made: paths are checked, never made or removed for them', async (context) => {
  const { setVolume, prepare, volumes, signal, rootDir } = bench(context)
  const path = join(rootDir, 'mine')
  setVolume({ local: { path } })
  await assert.rejects(prepare(), /path ".*mine" does not exist/)
  writeFileSync(path, 'no folder')
  await assert.rejects(prepare(), /is neither a directory nor a block device/)
  rmSync(path)
  mkdirSync(path)
  assert.deepEqual(await prepare({ persistentVolumeClaim: { claimName: 'data', readOnly: true } }), { hostPath: path, readOnly: true })
  setVolume({ hostPath: { path: join(rootDir, 'host'), type: 'Directory' } })
  await assert.rejects(prepare(), /hostPath type check failed/)
  setVolume({ hostPath: { path, type: 'Directory' } })
  assert.deepEqual(await prepare(), { hostPath: path, readOnly: false })
  await volumes.teardown('u1', signal)
  assert.ok(existsSync(path))
})

test('a claim that cannot be mounted says why', async (context) => {
  const { setVolume, setClaim, objects, prepare, provisioned } = bench(context)
  const term = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['there'] }] }
  const wrong: [() => void, RegExp][] = [
    [() => setVolume({ nodeAffinity: { required: { nodeSelectorTerms: [term] } } }), /no matching NodeSelectorTerms/],
    [() => setVolume({ claimRef: { ...claimRef, uid: 'c2' } }), /persistentvolume "disk" is bound to another claim/],
    [() => setVolume({ volumeMode: 'Block', local: { path: '/dev/none' } }), /the device \/dev\/none does not exist on this node/],
    [() => setVolume({ volumeMode: 'Block', hostPath: { path: '/dev/null' } }), /\/dev\/null is not a block device/],
    [
      () => setVolume({ volumeMode: 'Block', nfs: { server: 'files', path: '/a' } }),
      /persistentvolume "disk" is of a type that has no block devices on this node/,
    ],
    [
      () => setVolume({ csi: { driver: 'csi.example.com', volumeHandle: 'x' } }),
      /driver name csi.example.com not found in the list of registered CSI drivers/,
    ],
    [() => setVolume({ rbd: { monitors: [], image: 'x' } }), /no volume plugin matched/],
    [() => provisioned({ annotations: { ...OURS, 'coxswain/node': 'there' } }), /not of this one/],
    [() => setVolume({ local: { path: '/etc' } }, { annotations: OURS }), /volume "disk" is \/etc of node here, not of this one/],
    [() => setClaim({ deletionTimestamp: '2026-01-01T00:00:00Z' }), /persistentvolumeclaim "data" is being deleted/],
    [() => objects.delete('PersistentVolumeClaim data'), /persistentvolumeclaim "data" not found/],
  ]
  for (const [make, why] of wrong) {
    make()
    await assert.rejects(prepare(), why)
  }
})

test('a file server is mounted once with its options, and taken off without touching its files', async (context) => {
  const { setVolume, prepare, mounts, volumes, signal } = bench(context)
  setVolume({ nfs: { server: 'fd00::1', path: '/exports', readOnly: true }, mountOptions: ['nfsvers=4.2'] })
  const prepared = await prepare()
  await prepare()
  assert.equal(prepared?.readOnly, true)
  assert.deepEqual(mounts, [`${prepared?.hostPath} nfs [fd00::1]:/exports ro,nfsvers=4.2`])
  await volumes.teardown('u1', signal)
  assert.deepEqual(mounts, [])
  const inline = await prepare({ persistentVolumeClaim: undefined, nfs: { server: 'files', path: '/a' } })
  assert.deepEqual(mounts, [`${inline?.hostPath} nfs files:/a `])
  await volumes.teardown('u1', signal)
  // Had it stayed mounted, its files would be the server's: an unmount that fails leaves the folder alone.
  const again = await prepare()
  writeFileSync(join(again?.hostPath ?? '', 'file'), "the server's")
  await assert.rejects(volumes.teardown('u1', signal), /ENOTEMPTY/)
  assert.ok(existsSync(join(again?.hostPath ?? '', 'file')))
})

test('the group of the pod gets the volume; with OnRootMismatch only once', {
  skip: process.getuid?.() !== 0 && 'giving away needs root',
}, async (context) => {
  const { provisioned, prepare, folder } = bench(context)
  provisioned()
  await prepare({}, { securityContext: { fsGroup: 3000 } })
  assert.equal(statSync(folder).gid, 3000)
  assert.equal(statSync(folder).mode & 0o7070, 0o2070)
  writeFileSync(join(folder, 'file'), "root's")
  rmSync(join(folder, 'file'))
  mkdirSync(join(folder, 'late'), { mode: 0o700 })
  await prepare({}, { securityContext: { fsGroup: 3000, fsGroupChangePolicy: 'OnRootMismatch' } })
  assert.equal(statSync(join(folder, 'late')).mode & 0o070, 0, 'not looked at')
  await prepare({}, { securityContext: { fsGroup: 3000 } })
  assert.equal(statSync(join(folder, 'late')).mode & 0o070, 0o070)
})

test('a claim that waits for its node has grown when its pod starts; a folder needs no work', async (context) => {
  const { setVolume, objects, prepare, rootDir, told } = bench(context)
  const path = join(rootDir, 'mine')
  mkdirSync(path)
  setVolume({ local: { path }, capacity: { storage: '2Gi' } })
  const claim = objects.get('PersistentVolumeClaim data') as PersistentVolumeClaim
  claim.status = handedOver({ phase: 'Bound', capacity: { storage: '1Gi' } }, '2Gi', 0)
  await prepare()
  const { status } = objects.get('PersistentVolumeClaim data') as PersistentVolumeClaim
  assert.deepEqual(status, { phase: 'Bound', capacity: { storage: '2Gi' }, allocatedResources: { storage: '2Gi' } })
  const message = 'Normal FileSystemResizeSuccessful MountVolume.NodeExpandVolume succeeded for volume "disk"'
  assert.deepEqual(told, [`Pod ${message}`, `PersistentVolumeClaim ${message}`])
})

test('a volume for one pod is given to a second one only when the first has given it back', async (context) => {
  const { provisioned, prepare, volumes, signal } = bench(context)
  provisioned({}, {}, { accessModes: ['ReadWriteOncePod'] })
  await prepare()
  await prepare()
  await assert.rejects(prepare({}, {}, 'u2'), /volume uses the ReadWriteOncePod access mode and is already in use by another pod/)
  await volumes.teardown('u1', signal)
  await prepare({}, {}, 'u2')
})

test('what a claim holds is what its disk holds; of host paths, servers that are away and what is not there nothing is said', async (context) => {
  const { used, server, provisioned, prepare, setVolume, rootDir, volumes, signal } = bench(context)
  assert.equal((await used()).size, 0)
  provisioned()
  await prepare()
  const { blocks, bsize } = statfsSync(rootDir)
  assert.equal((await used()).get('v')?.capacityBytes, blocks * bsize)
  assert.equal((await used('another pod')).size, 0)
  setVolume({ hostPath: { path: rootDir } })
  assert.equal((await used()).size, 0)
  await volumes.teardown('u1', signal)
  setVolume({ nfs: { server: 'files', path: '/x' } })
  await prepare()
  assert.equal((await used()).get('v')?.capacityBytes, blocks * bsize)
  server.condition = 'silent'
  assert.equal((await used()).size, 0)
})
