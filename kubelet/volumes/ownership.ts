import { chmod, chown, readdir } from 'node:fs/promises'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type FolderRights, openFolder, openIn, type Place, pathOf, using } from './place.ts'

const SETGID = 0o2000

/** The group that all volumes of the pod belong to, if it asked for one. */
export function fsGroupOf(pod: Pod): number | undefined {
  return pod.spec.securityContext?.fsGroup
}

/** The user that every container of the pod runs as, or undefined when they differ or leave it to their images. */
export function commonUserOf({ spec }: Pod): number | undefined {
  const users = [...(spec.initContainers ?? []), ...spec.containers].map(
    (container) => container.securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
  )
  return users.every((user) => user === users[0]) ? users[0] : undefined
}

/** A volume's own folder: open to all, and with a group handing that on to what is made in it. */
export function volumeRights(group: number | undefined): FolderRights {
  return group === undefined ? { mode: 0o777 } : { mode: 0o777 | SETGID, group }
}

/** What a folder made inside a volume starts with: as the volume itself is. */
export function inheritedRights({ mode, gid }: { mode: number; gid: number }): FolderRights {
  const own = mode & 0o7777
  return (own & SETGID) === 0 ? { mode: own } : { mode: own, group: gid }
}

/**
 * Gives a tree to a group: readable, and writable unless `readOnly`; folders hand the group on to what is made in them. Links are given
 * away, not followed, also those that take the place of a file or folder meanwhile.
 */
export async function giveToGroup(path: string, group: number | undefined, options: { readOnly: boolean }): Promise<void> {
  if (group === undefined) return
  await using(openFolder(path), (top) => give(top, group, options.readOnly ? 0o440 : 0o660))
}

/** As above, writable; with the policy `OnRootMismatch` only when the top does not show yet that it was done (core/v1 PodSecurityContext). */
export async function giveOnce(path: string, group: number | undefined, policy: string | undefined): Promise<void> {
  if (group === undefined) return
  const isDone = await using(openFolder(path), async (top) => {
    const { gid, mode } = await top.stat()
    const shown = SETGID | 0o070
    return gid === group && (mode & shown) === shown
  })
  if (policy === 'OnRootMismatch' && isDone) return
  await giveToGroup(path, group, { readOnly: false })
}

async function give(place: Place, group: number, rights: number): Promise<void> {
  const status = await place.stat()
  await chown(pathOf(place), status.uid, group)
  if (status.isSymbolicLink()) return
  await chmod(pathOf(place), (status.mode & 0o7777) | rights | (status.isDirectory() ? SETGID | 0o110 : 0))
  if (!status.isDirectory()) return
  for (const name of await readdir(pathOf(place))) await using(openIn(place, name), (child) => give(child, group, rights))
}
