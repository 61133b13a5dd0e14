import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the processes of a control group may have together; absent: as before. */
export interface GroupLimits {
  cpuShares?: number | undefined
  /** Microseconds of CPU time in each accounting period of `CPU_PERIOD`. */
  cpuQuota?: number | undefined
  memoryBytes?: number | undefined
  pids?: number | undefined
}

/** Length of the CPU accounting period in microseconds, as of containers. */
const CPU_PERIOD = 100_000
const CONTROLLERS = ['cpu', 'memory', 'pids']

/** Where control groups are: in one tree (version 2), or in one a controller. */
export async function isUnified(root: string): Promise<boolean> {
  return access(join(root, 'cgroup.controllers')).then(
    () => true,
    () => false,
  )
}

/** Makes a group below the top, with the controllers that limit it. Where it is, it stays as it is. */
export async function makeGroup(path: string, root: string): Promise<void> {
  const unified = await isUnified(root)
  // One by one: a kernel without one of them has the others. What is missing is told by whoever writes its limit, whose file is not there then.
  if (unified) for (const name of CONTROLLERS) await writeFile(join(root, 'cgroup.subtree_control'), `+${name}`).catch(() => undefined)
  for (const folder of unified ? [root] : CONTROLLERS.map((name) => join(root, name))) await mkdir(join(folder, path), { recursive: true })
}

/** Limits a group that is there. @throws Error where it cannot be written */
export async function limitGroup(path: string, { cpuShares, cpuQuota, memoryBytes, pids }: GroupLimits, root: string): Promise<void> {
  const unified = await isUnified(root)
  const write = (controller: string, file: string, value: string) => writeFile(join(root, unified ? '' : controller, path, file), value)
  if (memoryBytes !== undefined) await write('memory', unified ? 'memory.max' : 'memory.limit_in_bytes', String(memoryBytes))
  if (pids !== undefined) await write('pids', 'pids.max', String(pids))
  if (cpuShares !== undefined) await write('cpu', ...sharesFile(cpuShares, unified))
  if (cpuQuota === undefined) return
  if (unified) return write('cpu', 'cpu.max', `${cpuQuota} ${CPU_PERIOD}`)
  await write('cpu', 'cpu.cfs_period_us', String(CPU_PERIOD))
  await write('cpu', 'cpu.cfs_quota_us', String(cpuQuota))
}

/** The file that has a group's weight, and what it is: version 2 counts weights from 1 to 10,000 where version 1 counts shares from 2 to 262,144. */
export function sharesFile(shares: number, unified: boolean): [file: string, value: string] {
  if (!unified) return ['cpu.shares', String(shares)]
  return ['cpu.weight', String(1 + Math.floor(((Math.min(shares, 262_144) - 2) * 9999) / 262_142))]
}
