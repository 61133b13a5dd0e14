import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** A file system in memory. */
export interface MemoryOptions {
  mode: number
  group?: number | undefined
  /** Undefined: the kernel's default, half of the machine's memory. */
  sizeBytes?: number | undefined
}

/** The kernel's mount table, as far as volumes need it. */
export interface Mounter {
  /** Mounts a file system in memory. */
  memory(target: string, options: MemoryOptions, signal: AbortSignal): Promise<void>
  /** Makes `source` appear at `target`, which exists. */
  bind(source: string, target: string, signal: AbortSignal): Promise<void>
  /** Mounts what a server offers, with the program of that file system. */
  remote(type: string, source: string, target: string, options: readonly string[], signal: AbortSignal): Promise<void>
  unmount(target: string, signal: AbortSignal): Promise<void>
  /** Every mount point that is `path` or below it, deepest first. */
  mountsUnder(path: string): Promise<string[]>
}

/** Mounts with the programs of util-linux; needs the capability SYS_ADMIN. */
export function linuxMounter(mountTable = '/proc/self/mountinfo'): Mounter {
  return {
    memory: (target, { mode, group, sizeBytes }, signal) => {
      const options = [
        `mode=0${mode.toString(8)}`,
        ...(group === undefined ? [] : [`gid=${group}`]),
        ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`]),
      ]
      return run('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', target], signal)
    },
    bind: (source, target, signal) => run('mount', ['--no-canonicalize', '--bind', source, target], signal),
    remote: (type, source, target, options, signal) =>
      run('mount', ['-t', type, ...(options.length > 0 ? ['-o', options.join(',')] : []), '--', source, target], signal),
    unmount: (target, signal) => run('umount', ['--no-canonicalize', target], signal),
    async mountsUnder(path) {
      const table = await readFile(mountTable, 'utf8')
      const points = table.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
      // Later lines lie on top of earlier ones: taken off in the opposite order.
      return points.filter((point) => point === path || point.startsWith(`${path}/`)).reverse()
    },
  }
}

/** The kernel writes blanks and the like as three octal digits. */
const unescapeOctal = (field: string) => field.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))

function run(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ${args.join(' ')}: ${complaint.trim() || `exit code ${code}`}`))
    })
  })
}
