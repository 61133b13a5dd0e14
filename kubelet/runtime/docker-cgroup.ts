import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The engine's spelling of a cgroup path. The cgroupfs driver takes the path as it is; the systemd driver wants one slice name
 * whose dashes are the nesting: `/kubepods/burstable/pod1-2` → `kubepods-burstable-pod1_2.slice`.
 */
export function engineCgroupParent(path: string, driver: string): string {
  if (path === '' || driver !== 'systemd') return path
  const parts = path.split('/').filter((part) => part !== '')
  return `${parts.map((part) => part.replaceAll('-', '_')).join('-')}.slice`
}

/**
 * Removes the pod's own cgroups, which runc makes but never removes. Those that still hold a process stay; so do the
 * shared ones above, because a folder is removed only when nothing is in it.
 */
export async function removePodCgroup(path: string, driver: string, root = '/sys/fs/cgroup'): Promise<void> {
  if (path === '' || driver === 'systemd') return
  const controllers = await readdir(root, { withFileTypes: true }).catch(() => [])
  const folders = controllers.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name, path))
  // v2 has one tree; there the first join names nothing.
  await Promise.all([join(root, path), ...folders].map((folder) => rmdir(folder).catch(() => undefined)))
}
