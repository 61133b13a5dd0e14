import { mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { NODE_FOLDER, PROVISIONED_BY } from '../../shared/volumes/annotations.ts'
import { isBoundTo, isReachable } from '../../shared/volumes/matching.ts'
import { ephemeralClaimName, isClaimOfPod } from '../../shared/volumes/pod-claims.ts'
import { podDirectory } from '../pods/pod-directory.ts'
import { pathOfHost } from './host-path.ts'
import type { Mounter } from './mounter.ts'
import { mountNfs } from './nfs.ts'
import type { NodeFolders } from './node-folders.ts'
import { fsGroupOf, giveOnce } from './ownership.ts'
import { type PreparedVolume, VolumeError, type VolumeType } from './volume.ts'

const PERSISTENT_CLAIM = 'coxswain/persistent-claim'
/** In the volume's own folder: which PersistentVolume it is, for as long as the pod has it. */
const RECORD = 'volume'
const MOUNT = 'mount'

export interface PersistentClaimsOptions {
  client: Client
  mounter: Mounter
  folders: NodeFolders
  node(): Node | undefined
}

/** What claims are bound to, the pod's own (`ephemeral`) among them: paths and folders of this node, and file servers. */
export function persistentClaims({ client, mounter, folders, node }: PersistentClaimsOptions): VolumeType {
  return {
    pluginName: PERSISTENT_CLAIM,
    supports: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,

    async prepare({ pod, volume, directory }, signal) {
      const claim = await claimOf(pod, volume, signal)
      const found = await volumeOf(claim, signal)
      const here = node()
      if (here && !isReachable(found, here))
        throw new VolumeError(`persistentvolume ${JSON.stringify(found.metadata.name)}: no matching NodeSelectorTerms`)
      // First the record: from here on the volume is in use.
      await mkdir(directory, { recursive: true, mode: 0o750 })
      await writeFile(join(directory, RECORD), found.metadata.name ?? '')
      const isReadOnly = volume.persistentVolumeClaim?.readOnly ?? false
      return bring(found, pod, { mountPoint: join(directory, MOUNT), isReadOnly }, signal)
    },

    async teardown(directory, signal) {
      const mountPoint = join(directory, MOUNT)
      for (const point of await mounter.mountsUnder(directory)) await mounter.unmount(point, signal)
      // Only an empty folder: what is in it is not ours.
      for (const folder of [mountPoint, directory]) {
        if (folder === directory) await rm(join(directory, RECORD), { force: true })
        await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
        })
      }
    },
  }

  async function bring(
    volume: PersistentVolume,
    pod: Pod,
    { mountPoint, isReadOnly }: { mountPoint: string; isReadOnly: boolean },
    signal: AbortSignal,
  ): Promise<PreparedVolume> {
    const { hostPath, local, nfs, volumeMode, mountOptions } = volume.spec
    if (volumeMode === 'Block') throw new VolumeError('block devices are not provided by this node', { reason: 'FailedMapVolume' })
    if (hostPath) return { hostPath: await pathOfHost(hostPath), readOnly: isReadOnly }
    if (local) {
      const path =
        volume.metadata.annotations?.[PROVISIONED_BY] === NODE_FOLDER ? await folders.ensure(volume, signal) : await localFolder(local.path)
      if (!isReadOnly) await giveOnce(path, fsGroupOf(pod), pod.spec.securityContext?.fsGroupChangePolicy)
      return { hostPath: path, readOnly: isReadOnly }
    }
    if (nfs) {
      const readOnly = isReadOnly || (nfs.readOnly ?? false)
      await mountNfs(nfs, { target: mountPoint, readOnly, options: mountOptions ?? [] }, mounter, signal)
      return { hostPath: mountPoint, readOnly, isRemote: true }
    }
    const { csi } = volume.spec
    if (csi) throw new VolumeError(`kubernetes.io/csi: driver name ${csi.driver} not found in the list of registered CSI drivers`)
    throw new VolumeError(
      `no volume plugin matched: persistentvolume ${JSON.stringify(volume.metadata.name)} is of a type that this node does not know`,
    )
  }

  async function claimOf(pod: Pod, volume: Volume, signal: AbortSignal): Promise<PersistentVolumeClaim> {
    const { namespace, name: podName = '' } = pod.metadata
    const name = volume.persistentVolumeClaim?.claimName ?? ephemeralClaimName(podName, volume.name)
    const claim = await orUndefined(client.get('v1', 'PersistentVolumeClaim', { namespace, name }, { signal }))
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
  const names = new Set<string>()
  for (const pod of await entriesOf(join(rootDir, 'pods'))) {
    const folder = join(podDirectory(rootDir, pod), 'volumes', PERSISTENT_CLAIM.replaceAll('/', '~'))
    for (const volume of await entriesOf(folder)) {
      const record = await readFile(join(folder, volume, RECORD), 'utf8').catch(missing)
      if (record) names.add(record)
    }
  }
  return names
}

async function localFolder(path: string): Promise<string> {
  const found = await stat(path).catch(missing)
  if (!found) throw new VolumeError(`path ${JSON.stringify(path)} does not exist`)
  if (!found.isDirectory()) throw new VolumeError(`path ${JSON.stringify(path)} is not a directory; devices are not mounted by this node`)
  return path
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(missing)) ?? []
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined
    throw error
  }
}
