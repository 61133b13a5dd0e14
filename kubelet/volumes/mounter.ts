import { readFile } from 'node:fs/promises'
import type { Clock } from '../../shared/time/clock.ts'
import { MountProgramError, runMountProgram } from './mount-program.ts'

/** A file system in memory. */
export interface MemoryOptions {
  mode: number
  group?: number | undefined
  /** Undefined: the kernel's default, half of the machine's memory. */
  sizeBytes?: number | undefined
}

/** Whether what is mounted can be worked with: `silent`: its server does not answer; `broken`: it never will again (a stale handle, a server that ended). */
export type MountCondition = 'answers' | 'silent' | 'broken'

/** The kernel's mount table, as far as volumes need it. No call waits for ever, whatever a server does. */
export interface Mounter {
  /** Mounts a file system in memory. */
  memory(target: string, options: MemoryOptions, signal: AbortSignal): Promise<void>
  /** Makes `source` appear at `target`, which exists. */
  bind(source: string, target: string, signal: AbortSignal): Promise<void>
  /** Mounts what a server or a device (`source`) has, with the helper of that file system. @throws MountProgramError */
  fileSystem(type: string, source: string, target: string, options: readonly string[], signal: AbortSignal): Promise<void>
  /**
   * Takes off what was mounted last at `target`. Where that waits for a server it is taken out of the tree at once and ends when nobody uses it
   * any more (a lazy unmount): what was written and not sent yet is sent when the server comes back.
   */
  unmount(target: string, signal: AbortSignal): Promise<void>
  /** Asks the file system itself, in another process: in this one each call that hangs would keep one of its few threads. */
  condition(target: string, signal: AbortSignal): Promise<MountCondition>
  /** Every mount point that is `path` or below it, deepest first. */
  mountsUnder(path: string): Promise<string[]>
}

/** How long a program may take, in milliseconds. `mount.nfs` itself gives up after two minutes. */
export interface MountPatience {
  mount: number
  unmount: number
  answer: number
}

const USUAL: MountPatience = { mount: 150_000, unmount: 10_000, answer: 5000 }
const MOUNT_TABLE = '/proc/self/mountinfo'

/** Mounts with the programs of util-linux; needs the capability SYS_ADMIN. */
export function linuxMounter(clock: Clock, patience: MountPatience = USUAL): Mounter {
  const mount = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
    await runMountProgram('mount', args, { patience: patience.mount, clock, signal })
  }
  const unmount = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
    await runMountProgram('umount', ['--no-canonicalize', ...args], { patience: patience.unmount, clock, signal })
  }
  const mountsUnder = async (path: string): Promise<string[]> => {
    const table = await readFile(MOUNT_TABLE, 'utf8')
    const points = table.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    // Later lines lie on top of earlier ones: taken off in the opposite order.
    return points.filter((point) => point === path || point.startsWith(`${path}/`)).reverse()
  }
  return {
    mountsUnder,
    memory: (target, { mode, group, sizeBytes }, signal) => {
      const settings = [
        `mode=0${mode.toString(8)}`,
        ...(group === undefined ? [] : [`gid=${group}`]),
        ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`]),
      ]
      return mount(['-t', 'tmpfs', '-o', settings.join(','), 'tmpfs', target], signal)
    },
    bind: (source, target, signal) => mount(['--no-canonicalize', '--bind', source, target], signal),
    fileSystem: (type, source, target, settings, signal) =>
      mount(['-t', type, ...(settings.length > 0 ? ['-o', settings.join(',')] : []), '--', source, target], signal),
    async unmount(target, signal) {
      const count = async () => (await mountsUnder(target)).filter((point) => point === target).length
      const before = await count()
      try {
        await unmount([target], signal)
      } catch (error) {
        if (!(error instanceof MountProgramError && error.isLate)) throw error
        // Off already; the kernel alone still waits for the server.
        if ((await count()) < before) return
        // Without the file system's own helper, which would ask the server.
        await unmount(['--internal-only', '--lazy', target], signal)
      }
    },
    async condition(target, signal) {
      try {
        await runMountProgram('stat', ['--file-system', '--', target], { patience: patience.answer, clock, signal })
        return 'answers'
      } catch (error) {
        if (error instanceof MountProgramError) return error.isLate ? 'silent' : 'broken'
        throw error
      }
    },
  }
}

/** The kernel writes blanks and the like as three octal digits. */
const unescapeOctal = (field: string) => field.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))
