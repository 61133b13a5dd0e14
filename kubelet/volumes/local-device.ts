import { mkdir, stat } from 'node:fs/promises'
import type { PersistentVolume } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { MountProgramError, runMountProgram } from './mount-program.ts'
import type { Mounter } from './mounter.ts'
import type { NodeGrowth } from './node-growth.ts'
import { Turns } from './turns.ts'
import { VolumeError } from './volume.ts'

/** Milliseconds: reading a superblock is quick, writing those of a large disk is not. */
const PATIENCE = { look: 30_000, work: 600_000 }
/** What `blkid` ends with when it finds nothing that it knows. */
const NOTHING_FOUND = 2

export interface DeviceMount {
  /** For a device with nothing on it. */
  fsType: string
  settings: readonly string[]
  mustGrow: boolean
}

/** Disks of this node that are local volumes with files on them. */
export interface LocalDevices extends NodeGrowth {
  /**
   * Mounts the device's file system at `target`, once; a device with nothing on it gets one first.
   * With `mustGrow` its file system is enlarged before, if nobody has it: some machines (containers without SYS_RESOURCE) let none grow in use.
   * @throws VolumeError when there is something on it that is no file system: it may be somebody's data
   */
  mount(device: string, target: string, how: DeviceMount, signal: AbortSignal): Promise<void>
}

export function localDevices(mounter: Mounter, clock: Clock): LocalDevices {
  // Two pods that begin together must not both find it empty.
  const turns = new Turns()
  return {
    mount: (device, target, how, signal) => turns.take(device, () => mount(device, target, how, signal)),

    supports: ({ spec }) => spec.local !== undefined && spec.volumeMode !== 'Block',

    async grow({ volume, hostPath }, signal) {
      const device = deviceOf(volume)
      // A folder is as large as its disk.
      if (!(await isBlockDevice(device))) return
      const { fileSystem = '' } = (await contentOf(device, signal)) ?? {}
      if (isExt(fileSystem)) await run('resize2fs', [device], PATIENCE.work, signal)
      else if (fileSystem === 'xfs') await run('xfs_growfs', [hostPath], PATIENCE.work, signal)
      else if (fileSystem === 'btrfs') await run('btrfs', ['filesystem', 'resize', 'max', hostPath], PATIENCE.work, signal)
      else throw new VolumeError(`the file system ${JSON.stringify(fileSystem)} of ${device} cannot be enlarged by this node`)
    },
  }

  async function mount(...[device, target, { fsType, settings, mustGrow }, signal]: Parameters<LocalDevices['mount']>): Promise<void> {
    if ((await mounter.mountsUnder(target)).includes(target)) return
    const present = await contentOf(device, signal)
    if (present === undefined) await run(`mkfs.${fsType}`, [device], PATIENCE.work, signal)
    else if (!present.fileSystem) {
      throw new VolumeError(
        `${device} is not empty and has no file system that can be mounted (${present.other}); nothing was written to it`,
      )
    }
    if (mustGrow && isExt(present?.fileSystem) && (await isUnused(device, signal))) await run('resize2fs', [device], PATIENCE.work, signal)
    await mkdir(target, { recursive: true, mode: 0o750 })
    try {
      await mounter.fileSystem(present?.fileSystem ?? fsType, device, target, settings, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw new VolumeError(`mount failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }

  /** Asks the disk itself, not what was known of it. Undefined: nothing is on it. */
  async function contentOf(device: string, signal: AbortSignal): Promise<{ fileSystem?: string | undefined; other: string } | undefined> {
    const args = ['--probe', '--match-tag', 'TYPE', '--match-tag', 'USAGE', '--match-tag', 'PTTYPE', '--output', 'export', device]
    try {
      const answer = await runMountProgram('blkid', args, { patience: PATIENCE.look, clock, signal })
      const found = new Map(answer.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)] as const))
      return { fileSystem: found.get('USAGE') === 'filesystem' ? found.get('TYPE') : undefined, other: answer.trim().replaceAll('\n', ' ') }
    } catch (error) {
      if (error instanceof MountProgramError && error.exitCode === NOTHING_FOUND && error.output.startsWith('exit code')) return undefined
      throw error
    }
  }

  /** Checked, as its enlargement asks for. False: it is mounted already, for another pod. @throws MountProgramError when it is damaged */
  async function isUnused(device: string, signal: AbortSignal): Promise<boolean> {
    try {
      await run('e2fsck', ['-f', '-p', device], PATIENCE.work, signal)
      return true
    } catch (error) {
      if (!(error instanceof MountProgramError)) throw error
      // Errors that it found and corrected.
      if (error.exitCode === 1) return true
      if (error.exitCode === 8) return false
      throw error
    }
  }

  async function run(program: string, args: readonly string[], patience: number, signal: AbortSignal): Promise<void> {
    try {
      await runMountProgram(program, args, { patience, clock, signal })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      throw new VolumeError(`this node has no ${program}: install it (Debian: e2fsprogs, xfsprogs or btrfs-progs)`, { cause: error })
    }
  }
}

export async function isBlockDevice(path: string): Promise<boolean> {
  return (await stat(path)).isBlockDevice()
}

const isExt = (fileSystem = '') => /^ext[234]$/.test(fileSystem)

function deviceOf({ spec }: PersistentVolume): string {
  return spec.local?.path ?? ''
}
