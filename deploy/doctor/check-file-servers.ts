import { readFile } from 'node:fs/promises'
import { runCommand } from '../command.ts'
import { type Finding, good } from './finding.ts'

/** Whether nodes on this machine's kernel can mount folders of file servers: its client is there, or a module that is loaded when somebody mounts. */
export async function checkFileServers(): Promise<Finding[]> {
  const known = await readFile('/proc/filesystems', 'utf8').catch(() => undefined)
  // The engine's machine is another one, whose kernel is not seen from here.
  if (known === undefined) return []
  return [findingOf(known, (await runCommand('modprobe', ['--dry-run', '--quiet', 'nfs']).catch(() => undefined))?.code === 0)]
}

/** Pure. */
export function findingOf(fileSystems: string, hasModule: boolean): Finding {
  if (hasModule || /\snfs4?$/m.test(fileSystems)) return good('NFS: the kernel has a client')
  return {
    state: 'warning',
    text: 'NFS: the kernel has no client; pods with volumes of file servers will wait, all others run',
    cure: "where such volumes are wanted: a kernel with CONFIG_NFS_FS, or its module (Debian's cloud kernels leave it out: linux-image-amd64 has it)",
  }
}
