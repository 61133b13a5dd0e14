import { readFile } from 'node:fs/promises'

/** What a machine needs to mount folders of file servers. */
export interface NfsClient {
  /** The program to which `mount -t nfs` leaves the work. */
  readonly helper: string
  /** Asked after a mount that failed: the kernel loads its module when somebody mounts. */
  isInKernel(): Promise<boolean>
}

/** This machine's. */
export function nfsClientOfMachine(fileSystems = '/proc/filesystems'): NfsClient {
  return {
    helper: '/sbin/mount.nfs',
    isInKernel: async () => (await readFile(fileSystems, 'utf8')).split('\n').some((line) => /\snfs4?$/.test(line)),
  }
}
