import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type GroupLimits, isUnified, limitGroup, makeGroup, sharesFile } from './limit-group.ts'

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

/** The fewest shares the kernel knows; what pods that asked for nothing have, each and together. */
const LEAST_SHARES = 2

/**
 * Gives a pod its weight among the pods of the machine. The shares of its containers only divide what the pod gets, and the engine makes every
 * cgroup above them equal: without this a pod that asked for nothing would weigh as much as one that asked for four cores.
 * The level above (`burstable`) weighs as much as its pods together, `besteffort` as little as possible.
 */
export async function weighPod(path: string, driver: string, shares: number, root = '/sys/fs/cgroup'): Promise<void> {
  // Under systemd the slices are systemd's to write.
  if (path === '' || driver === 'systemd') return
  const tree = await cpuTree(root)
  await writeShares(tree, join(tree.folder, path), shares)
  const level = dirname(path)
  if (level.endsWith('/besteffort')) await writeShares(tree, join(tree.folder, level), LEAST_SHARES)
  else if (level.endsWith('/burstable')) {
    const pods = await readdir(join(tree.folder, level), { withFileTypes: true })
    const each = pods.filter((pod) => pod.isDirectory()).map((pod) => readShares(tree, join(tree.folder, level, pod.name)))
    const sum = (await Promise.all(each)).reduce((total, one) => total + one, 0)
    await writeShares(tree, join(tree.folder, level), Math.max(LEAST_SHARES, sum))
  }
}

/**
 * Limits all containers of a pod together. A pod that asked for that, or is held to it by its node, must not run without it.
 * @throws Error where the group cannot be written (the systemd driver's slices are systemd's)
 */
export async function limitPod(path: string, driver: string, limits: GroupLimits, root = '/sys/fs/cgroup'): Promise<void> {
  if (path === '' || driver === 'systemd')
    throw new Error(
      `limits of a whole pod cannot be set with the engine's cgroup driver ${driver}: set the driver cgroupfs, or leave out spec.resources and the kubelet's podPidsLimit`,
    )
  await limitGroup(path, limits, root)
}

/** The control group above all pods. */
export const ALL_PODS = '/kubepods'

/** Limits all pods of the node together. @throws Error where that cannot be written (the systemd driver's slices are systemd's) */
export async function limitAllPods(driver: string, limits: GroupLimits, root = '/sys/fs/cgroup'): Promise<void> {
  if (driver === 'systemd') throw new Error("with the engine's cgroup driver systemd the group of all pods is systemd's to limit")
  await makeGroup(ALL_PODS, root)
  await limitGroup(ALL_PODS, limits, root)
}

interface CpuTree {
  folder: string
  isUnified: boolean
}

async function cpuTree(root: string): Promise<CpuTree> {
  const unified = await isUnified(root)
  return { isUnified: unified, folder: unified ? root : join(root, 'cpu') }
}

async function writeShares({ isUnified: unified }: CpuTree, folder: string, shares: number): Promise<void> {
  const [file, value] = sharesFile(shares, unified)
  await writeFile(join(folder, file), value)
}

async function readShares({ isUnified: unified }: CpuTree, folder: string): Promise<number> {
  const text = await readFile(join(folder, unified ? 'cpu.weight' : 'cpu.shares'), 'utf8').catch(() => '0')
  return unified ? 2 + Math.ceil(((Number(text) - 1) * 262_142) / 9999) : Number(text)
}
