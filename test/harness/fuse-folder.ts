import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Why a test of such a folder cannot run here; false when it can. */
export function whyNoFuse(): string | false {
  if (process.getuid?.() !== 0) return 'mounting needs root'
  try {
    closeSync(openSync('/dev/fuse', 'r+'))
    return false
  } catch (error) {
    return `no /dev/fuse: ${String(error)}`
  }
}

/** A folder whose files another process serves through the kernel, as those of a file server: it can be silent, come back, and be gone for ever. */
export interface FuseFolder {
  /** Every look at it hangs from now on. */
  silence(): void
  comeBack(): void
  /** The server dies, and with it what was mounted. Resolves when it is dead. */
  end(): Promise<void>
}

/**
 * Mounts one, empty and read-only in effect. With a block device the kernel also waits for the server when the folder is unmounted, as it does
 * for file servers.
 */
export async function mountFuseFolder(target: string, blockDevice?: string): Promise<FuseFolder> {
  const device = openSync('/dev/fuse', 'r+')
  let server: ChildProcess
  try {
    const kind = blockDevice === undefined ? ['fuse', 'served'] : ['fuseblk', blockDevice]
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other'
    const mounted = spawnSync('mount', ['--internal-only', '-t', kind[0] ?? '', '-o', options, kind[1] ?? '', target], {
      stdio: ['ignore', 'ignore', 'pipe', device],
      encoding: 'utf8',
    })
    if (mounted.status !== 0) throw new Error(`the folder cannot be mounted: ${mounted.stderr}`)
    const program = fileURLToPath(new URL('./fuse-server.ts', import.meta.url))
    server = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit', device] })
  } finally {
    closeSync(device)
  }
  const gone = once(server, 'exit')
  // The kernel is greeted first: what was never greeted is not waited for either.
  await once(spawn('stat', ['--file-system', '--', target], { stdio: 'ignore' }), 'exit')
  return {
    silence: () => void server.kill('SIGSTOP'),
    comeBack: () => void server.kill('SIGCONT'),
    async end() {
      server.kill('SIGKILL')
      await gone
    },
  }
}
