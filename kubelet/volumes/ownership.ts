import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'

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

/**
 * Gives a tree to a group: readable, and writable unless `readOnly`; folders hand the group on to what is made in them.
 * Links are given away, not followed.
 */
export async function giveToGroup(path: string, group: number | undefined, options: { readOnly: boolean }): Promise<void> {
  if (group === undefined) return
  const status = await lstat(path)
  await lchown(path, status.uid, group)
  if (status.isSymbolicLink()) return
  const rights = options.readOnly ? 0o440 : 0o660
  await chmod(path, (status.mode & 0o7777) | rights | (status.isDirectory() ? SETGID | 0o110 : 0))
  if (!status.isDirectory()) return
  for (const name of await readdir(path)) await giveToGroup(join(path, name), group, options)
}

/** True when the top of the tree is the group's already: then a former call went over the rest. */
export async function isGroups(path: string, group: number): Promise<boolean> {
  const status = await lstat(path)
  return status.gid === group && (status.mode & SETGID) !== 0
}
