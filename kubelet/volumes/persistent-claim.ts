import { mkdir, readdir, readFile, realpath, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { NODE_FOLDER, PROVISIONED_BY } from '../../shared/volumes/annotations.ts'
import { isNodeAwaited } from '../../shared/volumes/growth.ts'
import { isBoundTo, isReachable } from '../../shared/volumes/matching.ts'
import { ephemeralClaimName, isClaimOfPod } from '../../shared/volumes/pod-claims.ts'
import { podDirectory } from '../pods/pod-directory.ts'
import { csiFolder } from './csi-paths.ts'
import { csiVolumeOfPersistent } from './csi-volume.ts'
import type { CsiVolumes } from './csi-volumes.ts'
import { orMissing } from './folders.ts'
import { pathOfHost } from './host-path.ts'
import { isBlockDevice, type LocalDevices } from './local-device.ts'
import type { Mounter } from './mounter.ts'
import { mountNfs, mountUsage } from './nfs.ts'
import type { NodeFolders } from './node-folders.ts'
import { growOnNode, type NodeGrowth } from './node-growth.ts'
import { fsGroupOf, giveOnce } from './ownership.ts'
import { Turns } from './turns.ts'
import { type PreparedVolume, VolumeError, type VolumeRequest, type VolumeType } from './volume.ts'
import { fileSystemUsage } from './volume-usage.ts'

const PERSISTENT_CLAIM = 'coxswain/persistent-claim'
/** In the volume's own folder: which PersistentVolume it is, for as long as the pod has it. */
const RECORD = 'volume'
const MOUNT = 'mount'

export interface PersistentClaimsOptions {
  rootDir: string
  client: Client
  mounter: Mounter
  folders: NodeFolders
  devices: LocalDevices
  /** For kinds of volumes whose file systems grow on the node. */
  growths: readonly NodeGrowth[]
  events: EventRecorder
  csiVolumes: CsiVolumes
  node(): Node | undefined
}

/** What claims are bound to, the pod's own (`ephemeral`) among them: paths and folders of this node, and file servers. */
export function persistentClaims(options: PersistentClaimsOptions): VolumeType {
  const { client, mounter, folders, csiVolumes, rootDir, devices, node } = options
  const turns = new Turns()
  return {
    pluginName: PERSISTENT_CLAIM,
    supports: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,

    async prepare({ pod, volume, directory }, signal) {
      const claim = await claimOf(pod, volume, signal)
      const found = await volumeOf(claim, signal)
      const here = node()
      if (here && !isReachable(found, here))
        throw new VolumeError(`persistentvolume ${JSON.stringify(found.metadata.name)}: no matching NodeSelectorTerms`)
      await turns.take(found.metadata.name ?? '', async () => {
        const isForOne = found.spec.accessModes?.includes('ReadWriteOncePod')
        if (isForOne && (await usersOf(rootDir, found.metadata.name ?? '')).some((uid) => uid !== pod.metadata.uid))
          throw new VolumeError('volume uses the ReadWriteOncePod access mode and is already in use by another pod')
        // First the record: from here on the volume is in use.
        await mkdir(directory, { recursive: true, mode: 0o750 })
        await writeFile(join(directory, RECORD), found.metadata.name ?? '')
      })
      const isReadOnly = volume.persistentVolumeClaim?.readOnly ?? false
      const mustGrow = isNodeAwaited(claim.status)
      const prepared = await bring(found, pod, { mountPoint: join(directory, MOUNT), isReadOnly, mustGrow }, signal)
      await growOnNode(pod, claim, { volume: found, directory, hostPath: prepared.hostPath }, options, signal)
      return prepared
    },

    async refresh({ pod, volume, directory }, freshness, signal) {
      // A container that starts waits for none of this.
      if (freshness === 'now') return
      await republish({ pod, volume, directory }, signal)
      const claim = await claimNamed(pod, volume, signal)
      if (!claim || !isNodeAwaited(claim.status)) return
      const found = await volumeOf(claim, signal)
      const hostPath = found.spec.local && (await isBlockDevice(found.spec.local.path)) ? join(directory, MOUNT) : ''
      await growOnNode(pod, claim, { volume: found, directory, hostPath }, options, signal)
    },

    async usage({ pod, directory }, signal) {
      const name = await readFile(join(directory, RECORD), 'utf8').catch(orMissing)
      if (!name) return undefined
      const ofDriver = folderOf(pod, name)
      if (await csiVolumes.has(ofDriver)) return csiVolumes.usage(ofDriver, signal)
      const mountPoint = join(directory, MOUNT)
      if ((await mounter.mountsUnder(mountPoint)).includes(mountPoint)) return mountUsage(mountPoint, mounter, signal)
      const { local, volumeMode } = (await client.get('v1', 'PersistentVolume', { name }, { signal })).spec
      // Of a host path nothing is counted, as upstream.
      return local && volumeMode !== 'Block' ? fileSystemUsage(local.path) : undefined
    },

    async teardown(directory, signal) {
      const mountPoint = join(directory, MOUNT)
      for (const point of await mounter.mountsUnder(directory)) await mounter.unmount(point, signal)
      // Only an empty folder: what is in it is not ours.
      for (const folder of [mountPoint, directory]) {
        if (folder === directory) await rm(join(directory, RECORD), { force: true })
        await rmdir(folder).catch(orMissing)
      }
    },
  }

  /** Only for drivers that want it: their credentials end. */
  async function republish({ pod, volume, directory }: VolumeRequest, signal: AbortSignal): Promise<void> {
    const name = await readFile(join(directory, RECORD), 'utf8').catch(orMissing)
    if (!name || !(await csiVolumes.wantsMore(folderOf(pod, name), signal))) return
    const isReadOnly = volume.persistentVolumeClaim?.readOnly ?? false
    const wanted = csiVolumeOfPersistent(await volumeOf(await claimOf(pod, volume, signal), signal), isReadOnly)
    if (wanted) await csiVolumes.publish(pod, wanted, folderOf(pod, name), signal)
  }

  async function bring(
    volume: PersistentVolume,
    pod: Pod,
    { mountPoint, isReadOnly, mustGrow }: { mountPoint: string; isReadOnly: boolean; mustGrow: boolean },
    signal: AbortSignal,
  ): Promise<PreparedVolume> {
    const { hostPath, local, nfs, csi, volumeMode, mountOptions } = volume.spec
    if (volumeMode === 'Block' && !csi) return { hostPath: await deviceOf(volume), readOnly: isReadOnly, isDevice: true }
    if (hostPath) return { hostPath: await pathOfHost(hostPath), readOnly: isReadOnly }
    if (local) {
      const path = await localPath(volume, mountPoint, mustGrow, signal)
      if (!isReadOnly) await giveOnce(path, fsGroupOf(pod), pod.spec.securityContext?.fsGroupChangePolicy)
      return { hostPath: path, readOnly: isReadOnly }
    }
    if (nfs) {
      const readOnly = isReadOnly || (nfs.readOnly ?? false)
      await mountNfs(nfs, { target: mountPoint, readOnly, options: mountOptions ?? [] }, mounter, signal)
      return { hostPath: mountPoint, readOnly, isRemote: true }
    }
    const ofDriver = csiVolumeOfPersistent(volume, isReadOnly)
    if (ofDriver) return csiVolumes.publish(pod, ofDriver, folderOf(pod, ofDriver.specName), signal)
    throw new VolumeError(
      `no volume plugin matched: persistentvolume ${JSON.stringify(volume.metadata.name)} is of a type that this node does not know`,
    )
  }

  /** The folder that is the volume; a disk's is mounted for the pod. */
  async function localPath(volume: PersistentVolume, mountPoint: string, mustGrow: boolean, signal: AbortSignal): Promise<string> {
    const { local, mountOptions } = volume.spec
    if (volume.metadata.annotations?.[PROVISIONED_BY] === NODE_FOLDER) return folders.ensure(volume, signal)
    const path = local?.path ?? ''
    const found = await stat(path).catch(orMissing)
    if (!found) throw new VolumeError(`path ${JSON.stringify(path)} does not exist`)
    if (found.isDirectory()) return path
    if (!found.isBlockDevice()) throw new VolumeError(`path ${JSON.stringify(path)} is neither a directory nor a block device`)
    await devices.mount(path, mountPoint, { fsType: local?.fsType ?? 'ext4', settings: mountOptions ?? [], mustGrow }, signal)
    return mountPoint
  }

  async function claimNamed(pod: Pod, volume: Volume, signal: AbortSignal): Promise<PersistentVolumeClaim | undefined> {
    const { namespace, name: podName = '' } = pod.metadata
    const name = volume.persistentVolumeClaim?.claimName ?? ephemeralClaimName(podName, volume.name)
    return orUndefined(client.get('v1', 'PersistentVolumeClaim', { namespace, name }, { signal }))
  }

  /** A driver's volume lies where upstream's do, for drivers read paths; it has its own record there, and is taken back by `csi.ts`. */
  function folderOf({ metadata }: Pod, name: string): string {
    return csiFolder(rootDir, metadata.uid ?? '', name)
  }

  async function claimOf(pod: Pod, volume: Volume, signal: AbortSignal): Promise<PersistentVolumeClaim> {
    const { namespace, name: podName = '' } = pod.metadata
    const name = volume.persistentVolumeClaim?.claimName ?? ephemeralClaimName(podName, volume.name)
    const claim = await claimNamed(pod, volume, signal)
    const quoted = JSON.stringify(name)
    if (!claim) throw new VolumeError(`persistentvolumeclaim ${quoted} not found`)
    if (volume.ephemeral && !isClaimOfPod(claim, pod))
      throw new VolumeError(`PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`)
    if (claim.metadata.deletionTimestamp) throw new VolumeError(`persistentvolumeclaim ${quoted} is being deleted`)
    if (claim.status.phase !== 'Bound' || !claim.spec.volumeName) throw new VolumeError(`persistentvolumeclaim ${quoted} is not bound`)
    return claim
  }

  async function volumeOf(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<PersistentVolume> {
    const name = claim.spec.volumeName ?? ''
    const volume = await orUndefined(client.get('v1', 'PersistentVolume', { name }, { signal }))
    if (!volume) throw new VolumeError(`persistentvolume ${JSON.stringify(name)} not found`)
    if (!isBoundTo(volume, claim)) throw new VolumeError(`persistentvolume ${JSON.stringify(name)} is bound to another claim`)
    return volume
  }
}

/** Names of the PersistentVolumes that pods of this node have in use, also after a restart of the kubelet. */
export async function volumesInUse(rootDir: string): Promise<ReadonlySet<string>> {
  return new Set((await recordsOf(rootDir)).map(({ volume }) => volume))
}

/** The pods of this node that have the volume, by uid. */
async function usersOf(rootDir: string, volume: string): Promise<string[]> {
  return (await recordsOf(rootDir)).flatMap((record) => (record.volume === volume ? [record.pod] : []))
}

async function recordsOf(rootDir: string): Promise<{ pod: string; volume: string }[]> {
  const records: { pod: string; volume: string }[] = []
  for (const pod of await entriesOf(join(rootDir, 'pods'))) {
    const folder = join(podDirectory(rootDir, pod), 'volumes', PERSISTENT_CLAIM.replaceAll('/', '~'))
    for (const name of await entriesOf(folder)) {
      const volume = await readFile(join(folder, name, RECORD), 'utf8').catch(orMissing)
      if (volume) records.push({ pod, volume })
    }
  }
  return records
}

/** The block device of a local volume or a host path, links resolved: runtimes follow none. @throws VolumeError */
async function deviceOf({ metadata, spec }: PersistentVolume): Promise<string> {
  const reason = 'FailedMapVolume'
  const path = spec.local?.path ?? spec.hostPath?.path
  if (path === undefined) {
    const why = `persistentvolume ${JSON.stringify(metadata.name)} is of a type that has no block devices on this node`
    throw new VolumeError(why, { reason })
  }
  const found = await stat(path).catch(orMissing)
  if (!found) throw new VolumeError(`the device ${path} does not exist on this node`, { reason })
  if (!found.isBlockDevice()) throw new VolumeError(`${path} is not a block device`, { reason })
  return realpath(path)
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(orMissing)) ?? []
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined
    throw error
  }
}
