import { mkdir } from 'node:fs/promises'
import type { NFSVolumeSource } from '../../shared/openapi/generated/core-v1.ts'
import { isThere, removeFolder } from './folders.ts'
import { MountProgramError } from './mount-program.ts'
import type { Mounter } from './mounter.ts'
import { type NfsClient, nfsClientOfMachine } from './nfs-client.ts'
import { VolumeError, type VolumeType } from './volume.ts'
import { fileSystemUsage, type VolumeUsage } from './volume-usage.ts'

/** A folder of a file server, straight in a pod; the machine needs the kernel's client and `mount.nfs`. */
export function nfs(mounter: Mounter, client?: NfsClient): VolumeType {
  return {
    pluginName: 'kubernetes.io/nfs',
    supports: (volume) => volume.nfs !== undefined,
    async prepare({ volume, directory }, signal) {
      if (!volume.nfs) throw new VolumeError('not an NFS volume')
      const readOnly = volume.nfs.readOnly ?? false
      await mountNfs(volume.nfs, { target: directory, readOnly, options: [], client }, mounter, signal)
      return { hostPath: directory, readOnly, isRemote: true }
    },
    usage: ({ directory }, signal) => mountUsage(directory, mounter, signal),
    teardown: (directory, signal) => removeFolder(directory, mounter, signal),
  }
}

export interface NfsMount {
  target: string
  readOnly: boolean
  /** Of the volume's `mountOptions`. */
  options: readonly string[]
  /** What of a client this machine has, for the words of a failure. */
  client?: NfsClient | undefined
}

/** Mounts it once; one that broke since is taken off and mounted anew. @throws VolumeError with what the machine's `mount` says, and the cure */
export async function mountNfs(
  { server, path }: NFSVolumeSource,
  { target, readOnly, options, client = nfsClientOfMachine() }: NfsMount,
  mounter: Mounter,
  signal: AbortSignal,
): Promise<void> {
  // An address of the second family is written in brackets.
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server
  // The table is asked and never the folder: on a server that is away every look at it hangs.
  if ((await mounter.mountsUnder(target)).includes(target)) {
    const condition = await mounter.condition(target, signal)
    if (condition === 'answers') return
    if (condition === 'silent') throw new VolumeError(silentServer(`${host}:${path}`))
    await mounter.unmount(target, signal)
  }
  await mkdir(target, { recursive: true, mode: 0o750 })
  try {
    await mounter.fileSystem('nfs', `${host}:${path}`, target, [...(readOnly ? ['ro'] : []), ...options], signal)
  } catch (error) {
    signal.throwIfAborted()
    throw new VolumeError(`${whatFailed(error)}${await cure(client)}`, { cause: error })
  }
}

/** What a mounted file system holds; undefined while its server is away. */
export async function mountUsage(mountPoint: string, mounter: Mounter, signal: AbortSignal): Promise<VolumeUsage | undefined> {
  return (await mounter.condition(mountPoint, signal)) === 'answers' ? fileSystemUsage(mountPoint) : undefined
}

/** What is told where a call would wait for a server that is away. */
export function silentServer(what: string): string {
  return `the file server of ${what} does not answer; this is tried again until it does`
}

/** As upstream's kubelet tells it. */
function whatFailed(error: unknown): string {
  if (!(error instanceof MountProgramError)) return `mount failed: ${error instanceof Error ? error.message : String(error)}`
  const { program, args, output, exitCode, isLate } = error
  const how = isLate ? 'timed out' : `exit status ${exitCode}`
  return `mount failed: ${how}\nMounting command: ${program}\nMounting arguments: ${args.join(' ')}\nOutput: ${output}`
}

async function cure(client: NfsClient): Promise<string> {
  if (!(await isThere(client.helper)))
    return `\nthis node has no ${client.helper}: install it (Debian, Ubuntu: nfs-common; Fedora, RHEL: nfs-utils; SUSE: nfs-client)`
  if (!(await client.isInKernel()))
    return "\nthe kernel of this node has no NFS client: 'modprobe nfs', or a kernel that has it (CONFIG_NFS_FS)"
  return ''
}
