import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { linuxMounter } from '../../kubelet/volumes/mounter.ts'
import type { Client, Draft } from '../../shared/client/client.ts'
import type { Pod, Volume, VolumeDevice } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { attachmentName } from '../../shared/volumes/attachments.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { dockerNode } from '../harness/docker-node.ts'
import { eventually } from '../harness/eventually.ts'
import { loopDevice } from '../harness/loop-device.ts'

const namespace = 'default'
const DRIVER = 'files.example.com'
const ATTACHED = 'disks.example.com'

interface Called {
  call: string
  volumeId: string
  volumeContext: object
  publishContext: object
  volumeCapability: object
  stagingTargetPath: string
  targetPath: string
  volumePath: string
}

/** A driver's process and the pods that use its volumes, on this machine's engine with real mounts. */
describe('CSI drivers on a Docker engine', () => {
  let api: TestApi
  let client: Client
  let node: Awaited<ReturnType<typeof dockerNode>>
  let folder: string
  const running = new Map<string, ChildProcess>()
  const mounter = linuxMounter(realClock())

  before(async () => {
    api = await startApi()
    client = api.client()
    node = await dockerNode(client, '10.199.83.0/24')
    folder = mkdtempSync(join(tmpdir(), 'csi-driver-'))
    await node.register()
    for (const [name, spec] of [
      [DRIVER, { attachRequired: false, podInfoOnMount: true, fsGroupPolicy: 'File', volumeLifecycleModes: ['Persistent', 'Ephemeral'] }],
      [ATTACHED, {}],
    ] as const)
      await client.create('storage.k8s.io/v1', 'CSIDriver', { metadata: { name }, spec: structuredClone(spec) as object })
    await registered(DRIVER)
    await registered(ATTACHED)
  })
  after(async () => {
    await node?.dispose()
    for (const name of running.keys()) await stopDriver(name)
    await api?.stop()
    if (folder) rmSync(folder, { recursive: true })
  })

  function startDriver(name: string): void {
    const program = resolve(import.meta.dirname, '../harness/csi-driver-process.ts')
    running.set(name, spawn(process.execPath, [program, name, node.rootDir, folder], { stdio: ['ignore', 'ignore', 'inherit'] }))
  }
  async function stopDriver(name: string): Promise<void> {
    const driver = running.get(name)
    if (!driver || driver.exitCode !== null) return
    const ended = once(driver, 'exit')
    driver.kill('SIGTERM')
    await ended
  }
  async function registered(name: string): Promise<void> {
    startDriver(name)
    await eventually(client, ['storage.k8s.io/v1', 'CSINode'], (all) =>
      all.some(({ spec }) => spec.drivers.some((one) => one.name === name)),
    )
  }

  const calls = (call: string, volumeId?: string) =>
    readFileSync(join(folder, 'calls'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Called)
      .filter((one) => one.call === call && (volumeId === undefined || one.volumeId === volumeId))

  /** A volume of a driver and the claim that is bound to it. */
  async function claim(name: string, driver: string, { mode = 'Filesystem', attributes = { size: 's' } as Record<string, string> } = {}) {
    await client.create('v1', 'PersistentVolume', {
      metadata: { name: `pv-${name}` },
      spec: {
        ...{
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          csi: { driver, volumeHandle: name, volumeAttributes: attributes },
          volumeMode: mode,
        },
        ...{ claimRef: { namespace, name }, persistentVolumeReclaimPolicy: 'Retain', storageClassName: '' },
      },
    })
    const resources = { requests: { storage: '1Gi' } }
    const spec = { accessModes: ['ReadWriteOnce'], volumeName: `pv-${name}`, storageClassName: '', volumeMode: mode, resources }
    const made = await client.create('v1', 'PersistentVolumeClaim', { metadata: { name }, spec }, { namespace })
    await client.updateStatus('v1', 'PersistentVolumeClaim', { ...made, status: { phase: 'Bound' } })
    return { name: 'data', persistentVolumeClaim: { claimName: name } } satisfies Volume
  }

  async function create(name: string, volume: Volume, script: string, volumeDevices: VolumeDevice[] = []): Promise<void> {
    const command = ['sh', '-c', `${script}; trap "exit 0" TERM; while :; do sleep 0.1; done`]
    const draft: Draft<Pod> = {
      metadata: { name },
      spec: {
        ...{ nodeName: node.name, terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, volumes: [volume] },
        securityContext: { fsGroup: 3000 },
        containers: [
          {
            name: 'main',
            image: 'busybox',
            imagePullPolicy: 'IfNotPresent',
            command,
            ...(volumeDevices.length > 0 ? { volumeDevices } : { volumeMounts: [{ name: volume.name, mountPath: '/data' }] }),
          },
        ],
      },
    }
    await client.create('v1', 'Pod', draft, { namespace })
  }
  const only = (name: string) => ({ namespace, fieldSelector: `metadata.name=${name}` })
  const isRunning = ({ status }: Pod) => status.containerStatuses?.[0]?.state.running !== undefined
  const runs = (name: string) => eventually(client, ['v1', 'Pod'], (pods) => pods.some(isRunning), only(name))
  const told = (reason: string, text: RegExp) =>
    eventually(client, ['v1', 'Event'], (events) => events.some((one) => one.reason === reason && text.test(one.message ?? '')), {
      namespace,
    })
  async function gone(name: string): Promise<void> {
    await client.delete('v1', 'Pod', { namespace, name })
    await eventually(client, ['v1', 'Pod'], (pods) => pods.length === 0, only(name))
  }

  it('a driver that registers is in the CSINode, its place on the Node', async () => {
    const found = await client.get('storage.k8s.io/v1', 'CSINode', { name: node.name })
    const entry = found.spec.drivers.find(({ name }) => name === DRIVER)
    assert.deepEqual(entry, {
      ...{ name: DRIVER, nodeID: `id-of-${DRIVER}`, topologyKeys: [`topology.${DRIVER}/rack`], allocatable: { count: 3 } },
    })
    const { metadata } = await client.get('v1', 'Node', { name: node.name })
    assert.equal(found.metadata.ownerReferences?.[0]?.uid, metadata.uid)
    assert.equal(metadata.labels?.[`topology.${DRIVER}/rack`], 'r1')
    assert.equal(JSON.parse(metadata.annotations?.['csi.volume.kubernetes.io/nodeid'] ?? '{}')[DRIVER], `id-of-${DRIVER}`)
  })

  it('pods share a volume that outlives them, kubelet and driver', async () => {
    const volume = await claim('shared', DRIVER)
    await create('one', volume, 'echo kept > /data/file')
    await create('two', volume, 'true')
    for (const name of ['one', 'two']) await runs(name)
    assert.equal(calls('NodeStageVolume', 'shared').length, 1)
    assert.equal(calls('NodePublishVolume', 'shared').length, 2)
    const [{ volumeContext } = { volumeContext: {} }] = calls('NodePublishVolume', 'shared')
    assert.partialDeepStrictEqual(volumeContext, {
      size: 's',
      'csi.storage.k8s.io/ephemeral': 'false',
      'csi.storage.k8s.io/pod.namespace': namespace,
    })
    const stored = join(folder, 'data', 'shared')
    assert.equal(readFileSync(join(stored, 'file'), 'utf8'), 'kept\n')
    assert.equal(statSync(stored).gid, 3000)
    const held = (await node.volumes.usage(await client.get('v1', 'Pod', { namespace, name: 'one' }), new AbortController().signal)).get(
      'data',
    )
    assert.partialDeepStrictEqual(held, { usedBytes: 4096, inodes: 9, inodesFree: 7, inodesUsed: 2 })
    assert.ok((held?.capacityBytes ?? 0) >= (held?.availableBytes ?? Number.NaN))
    const [{ stagingTargetPath, volumePath } = { stagingTargetPath: '', volumePath: '' }] = calls('NodeGetVolumeStats', 'shared')
    assert.match(`${volumePath} ${stagingTargetPath}`, /csi\/pv-shared\/mount .*\/globalmount$/)

    const mounted = (await mounter.mountsUnder(node.rootDir)).filter((path) => path.includes('csi')).sort()
    await node.restart(() => stopDriver(DRIVER))
    assert.deepEqual((await mounter.mountsUnder(node.rootDir)).filter((path) => path.includes('csi')).sort(), mounted)
    // Taken back as soon as the driver is there again, and not before.
    await client.delete('v1', 'Pod', { namespace, name: 'one' })
    await registered(DRIVER)
    await eventually(client, ['v1', 'Pod'], (pods) => pods.length === 0, only('one'))
    assert.equal(calls('NodeUnstageVolume', 'shared').length, 0, 'another pod has it')
    await gone('two')
    assert.equal(calls('NodeUnstageVolume', 'shared').length, 1)
    assert.deepEqual(readdirSync(join(node.rootDir, 'plugins/kubernetes.io/csi', DRIVER)), [])
    assert.equal(readFileSync(join(stored, 'file'), 'utf8'), 'kept\n')
  })

  it('a volume written in the pod comes and goes with it', async () => {
    await create('inline', { name: 'data', csi: { driver: DRIVER, volumeAttributes: { a: 'b' } } }, 'echo x > /data/file')
    await runs('inline')
    const published = calls('NodePublishVolume').at(-1)
    assert.partialDeepStrictEqual(published?.volumeContext, { a: 'b', 'csi.storage.k8s.io/ephemeral': 'true' })
    assert.equal(calls('NodeStageVolume', published?.volumeId).length, 0)
    await gone('inline')
    assert.equal(calls('NodeUnpublishVolume', published?.volumeId).length, 1)
    await create('refused', { name: 'data', csi: { driver: ATTACHED } }, 'true')
    await told('FailedMount', /volume mode "Ephemeral" not supported by driver disks.example.com \(only supports \["Persistent"\]\)/)
    await create('nobody', { name: 'data', csi: { driver: 'none.example.com' } }, 'true')
    await told('FailedMount', /driver name none.example.com not found in the list of registered CSI drivers/)
    for (const name of ['refused', 'nobody']) await gone(name)
  })

  it('a driver that attaches is waited for, and told what its attacher said', async () => {
    await create('disk', await claim('disk', ATTACHED), 'true')
    const name = attachmentName({ driver: ATTACHED, handle: 'disk' }, node.name)
    const spec = { attacher: ATTACHED, nodeName: node.name, source: { persistentVolumeName: 'pv-disk' } }
    const made = await client.create('storage.k8s.io/v1', 'VolumeAttachment', { metadata: { name }, spec })
    assert.equal(calls('NodeStageVolume', 'disk').length, 0)
    const status = { attached: true, attachmentMetadata: { device: '/dev/x' } }
    await client.updateStatus('storage.k8s.io/v1', 'VolumeAttachment', { ...made, status })
    await runs('disk')
    assert.deepEqual(calls('NodeStageVolume', 'disk')[0]?.publishContext, { device: '/dev/x' })
    await gone('disk')
  })

  it('a device of a driver is a device in the pod, at upstream’s places for drivers', async (context) => {
    const device = loopDevice(context, 4 * 1024 * 1024)
    if (!device) return
    const volume = await claim('raw', DRIVER, { mode: 'Block', attributes: { device: device.path } })
    await create('raw', volume, 'echo -n written > /dev/of-pod; sync', [{ name: 'data', devicePath: '/dev/of-pod' }])
    await runs('raw')
    const { uid = '' } = (await client.get('v1', 'Pod', { namespace, name: 'raw' })).metadata
    const devices = join(node.rootDir, 'plugins/kubernetes.io/csi/volumeDevices')
    const [staged, published] = [calls('NodeStageVolume', 'raw').at(-1), calls('NodePublishVolume', 'raw').at(-1)]
    assert.deepEqual(staged?.volumeCapability, { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } })
    assert.equal(staged?.stagingTargetPath, join(devices, 'staging/pv-raw'))
    assert.deepEqual(
      [published?.stagingTargetPath, published?.targetPath],
      [join(devices, 'staging/pv-raw'), join(devices, 'publish/pv-raw', uid)],
    )
    const asked = calls('NodePublishVolume', 'raw').length
    await node.restart()
    await gone('raw')
    assert.equal(calls('NodePublishVolume', 'raw').length, asked, 'what a pod has is left alone')
    assert.equal(readFileSync(device.path).subarray(0, 7).toString(), 'written')
    assert.deepEqual([calls('NodeUnpublishVolume', 'raw').length, calls('NodeUnstageVolume', 'raw').length], [1, 1])
    assert.deepEqual([readdirSync(join(devices, 'publish/pv-raw')), readdirSync(join(devices, 'staging'))], [[], []])
    assert.deepEqual(readdirSync(join(node.rootDir, 'plugins/kubernetes.io/csi', DRIVER)), [])
  })

  it('a driver whose socket is gone is given up', async () => {
    await stopDriver(ATTACHED)
    const isGone = (drivers: readonly { name: string }[]) => !drivers.some(({ name }) => name === ATTACHED)
    await eventually(client, ['storage.k8s.io/v1', 'CSINode'], (all) => all.some(({ spec }) => isGone(spec.drivers)))
    assert.equal(existsSync(join(node.rootDir, 'plugins_registry', `${ATTACHED}-reg.sock`)), false)
  })
})
