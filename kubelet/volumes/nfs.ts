import { mkdir } from 'node:fs/promises'
import type { NFSVolumeSource } from '../../shared/openapi/generated/core-v1.ts'
import { removeFolder } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { VolumeError, type VolumeType } from './volume.ts'

/** A folder of a file server, straight in a pod; the machine needs the kernel's client and `mount.nfs`. */
export function nfs(mounter: Mounter): VolumeType {
  return {
    pluginName: 'kubernetes.io/nfs',
    supports: (volume) => volume.nfs !== undefined,
    async prepare({ volume, directory }, signal) {
      if (!volume.nfs) throw new VolumeError('not an NFS volume')
      const readOnly = volume.nfs.readOnly ?? false
      await mountNfs(volume.nfs, { target: directory, readOnly, options: [] }, mounter, signal)
      return { hostPath: directory, readOnly }
    },
    teardown: (directory, signal) => removeFolder(directory, mounter, signal),
  }
}

/** Mounts it once. @throws VolumeError with what the machine's `mount` says */
export async function mountNfs(
  { server, path }: NFSVolumeSource,
  { target, readOnly, options }: { target: string; readOnly: boolean; options: readonly string[] },
  mounter: Mounter,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o750 })
  if ((await mounter.mountsUnder(target)).includes(target)) return
  // An address of the second family is written in brackets.
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server
  try {
    await mounter.remote('nfs', `${host}:${path}`, target, [...(readOnly ? ['ro'] : []), ...options], signal)
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    throw new VolumeError(`mount failed: ${why}`, { cause: error })
  }
}
