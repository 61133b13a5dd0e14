import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the control groups around this process allow and use. Absent figures: no limit. */
export interface CgroupLimits {
  /** Thousandths of a CPU. */
  cpuMillis?: number | undefined
  memoryBytes?: number | undefined
  /** Left under the tightest memory limit; file pages that can be dropped at once count as free. */
  memoryAvailableBytes?: number | undefined
  /** Processes that may still be made under the tightest limit. */
  pidsAvailable?: number | undefined
}

/** v1 writes "no limit" as the largest multiple of a page, which no machine reaches. */
const UNLIMITED = 2 ** 60

/**
 * Reads the limits of this process's own control groups and of those above it, version 1 or 2. A worker host that is a container
 * sees the whole machine in /proc, so its true size is only here.
 * @param root where the file system tree starts; tests hand in a folder
 */
export async function readCgroupLimits(root: string): Promise<CgroupLimits> {
  const own = await text(join(root, 'proc/self/cgroup'))
  const lines = (own ?? '').split('\n').map((line) => line.split(':'))
  const unified = lines.find(([id]) => id === '0')?.[2]
  const isVersion2 = (await text(join(root, 'sys/fs/cgroup/cgroup.controllers'))) !== undefined
  const pathOf = (controller: string) => lines.find(([, names]) => names?.split(',').includes(controller))?.[2]
  const total: CgroupLimits = {}
  const groups = (controller: string) =>
    isVersion2
      ? withAncestors(join(root, 'sys/fs/cgroup'), unified ?? '/')
      : withAncestors(join(root, 'sys/fs/cgroup', controller), pathOf(controller) ?? '/')
  for (const group of groups('memory')) await (isVersion2 ? memoryOfVersion2 : memoryOfVersion1)(group, total)
  for (const group of groups('cpu')) await (isVersion2 ? cpuOfVersion2 : cpuOfVersion1)(group, total)
  for (const group of groups('pids')) await pidsOf(group, total)
  return total
}

/** The group's folder and those above it. Some may not exist: a container sees only its own part of the tree. */
function withAncestors(base: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, index) => join(base, ...parts.slice(0, parts.length - index))).concat(base)
}

async function memoryOfVersion1(group: string, total: CgroupLimits): Promise<void> {
  const limit = await number(join(group, 'memory.limit_in_bytes'))
  if (limit === undefined || limit >= UNLIMITED) return
  const usage = (await number(join(group, 'memory.usage_in_bytes'))) ?? 0
  const stat = await text(join(group, 'memory.stat'))
  applyMemory(total, limit, usage, field(stat, 'total_inactive_file'))
}

async function memoryOfVersion2(group: string, total: CgroupLimits): Promise<void> {
  const limit = await number(join(group, 'memory.max'))
  if (limit === undefined) return
  const usage = (await number(join(group, 'memory.current'))) ?? 0
  applyMemory(total, limit, usage, field(await text(join(group, 'memory.stat')), 'inactive_file'))
}

function applyMemory(total: CgroupLimits, limit: number, usage: number, inactiveFile: number): void {
  const available = Math.max(0, limit - Math.max(0, usage - inactiveFile))
  total.memoryBytes = smaller(total.memoryBytes, limit)
  total.memoryAvailableBytes = smaller(total.memoryAvailableBytes, available)
}

async function cpuOfVersion1(group: string, total: CgroupLimits): Promise<void> {
  applyCpu(total, await number(join(group, 'cpu.cfs_quota_us')), await number(join(group, 'cpu.cfs_period_us')))
}

async function cpuOfVersion2(group: string, total: CgroupLimits): Promise<void> {
  const [quota, period] = ((await text(join(group, 'cpu.max'))) ?? '').trim().split(/\s+/)
  applyCpu(total, quota === undefined || quota === '' ? undefined : Number(quota), Number(period))
}

function applyCpu(total: CgroupLimits, quota: number | undefined, period: number | undefined): void {
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return
  total.cpuMillis = smaller(total.cpuMillis, Math.floor((quota * 1000) / period))
}

async function pidsOf(group: string, total: CgroupLimits): Promise<void> {
  const limit = await number(join(group, 'pids.max'))
  if (limit === undefined) return
  const current = (await number(join(group, 'pids.current'))) ?? 0
  total.pidsAvailable = smaller(total.pidsAvailable, Math.max(0, limit - current))
}

const smaller = (known: number | undefined, other: number) => (known === undefined ? other : Math.min(known, other))

/** A row of a `memory.stat`; 0 when it is not there. */
function field(stat: string | undefined, name: string): number {
  const match = new RegExp(`^${name} (\\d+)$`, 'm').exec(stat ?? '')
  return Number(match?.[1] ?? 0)
}

/** A file that holds one number; undefined for `max`, -1-like texts that are no number, and files that are not there. */
async function number(path: string): Promise<number | undefined> {
  const value = (await text(path))?.trim()
  return value === undefined || !/^-?\d+$/.test(value) ? undefined : Number(value)
}

async function text(path: string): Promise<string | undefined> {
  // Not there, or not readable in this container: either way there is nothing to learn from it.
  return readFile(path, 'utf8').catch(() => undefined)
}
