import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerStats } from './container-runtime.ts'

/** What a control group has used and may use. */
export type CgroupUsage = Omit<ContainerStats, 'containerId' | 'measuredAt'>

/** Where the files of one control group are: one folder (version 2), or one a controller (version 1). */
export type CgroupFolders = { readonly unified: string } | { readonly cpu: string; readonly memory: string }

/** v1 writes "no limit" as the largest multiple of a page, which no machine reaches. */
const UNLIMITED = 2 ** 60

/** `/proc/<pid>/cgroup`: the path in the one tree of v2, or the path of each v1 controller. */
export function parseCgroupPaths(text: string): { unified: string | undefined; byController: ReadonlyMap<string, string> } {
  const byController = new Map<string, string>()
  let unified: string | undefined
  for (const line of text.split('\n')) {
    const [, controllers, ...path] = line.split(':')
    if (controllers === undefined) continue
    if (controllers === '') unified = path.join(':')
    else for (const controller of controllers.split(',')) byController.set(controller, path.join(':'))
  }
  // A v1 machine may mount an empty v2 tree beside the others.
  return { unified: byController.has('memory') ? undefined : unified, byController }
}

/** The folders of the group that a process is in. @throws Error when there is no such process */
export async function foldersOfProcess(pid: number, root: string, proc = '/proc'): Promise<CgroupFolders> {
  const { unified, byController } = parseCgroupPaths(await readFile(join(proc, `${pid}`, 'cgroup'), 'utf8'))
  if (unified !== undefined) return { unified: join(root, unified) }
  return {
    cpu: join(root, 'cpuacct', byController.get('cpuacct') ?? '/'),
    memory: join(root, 'memory', byController.get('memory') ?? '/'),
  }
}

/** Reads a group's files. @throws Error (ENOENT and the like) when the group is gone */
export function readCgroupUsage(folders: CgroupFolders): Promise<CgroupUsage> {
  return 'unified' in folders ? readVersion2(folders.unified) : readVersion1(folders.cpu, folders.memory)
}

/** The group, or its process, ended between two readings. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 'ENODEV')
}

async function readVersion1(cpu: string, memory: string): Promise<CgroupUsage> {
  const [nanoseconds, used, limit, stat] = await Promise.all([
    readFile(join(cpu, 'cpuacct.usage'), 'utf8'),
    readFile(join(memory, 'memory.usage_in_bytes'), 'utf8'),
    readFile(join(memory, 'memory.limit_in_bytes'), 'utf8'),
    readFile(join(memory, 'memory.stat'), 'utf8'),
  ])
  return {
    cpuNanoseconds: BigInt(nanoseconds.trim()),
    ...memoryOf(Number(used), statField(stat, 'total_inactive_file')),
    ...(Number(limit) < UNLIMITED ? { memoryLimitBytes: Number(limit) } : {}),
    rssBytes: statField(stat, 'total_rss'),
    pageFaults: statField(stat, 'total_pgfault'),
    majorPageFaults: statField(stat, 'total_pgmajfault'),
  }
}

async function readVersion2(folder: string): Promise<CgroupUsage> {
  const [cpu, used, limit, stat] = await Promise.all([
    readFile(join(folder, 'cpu.stat'), 'utf8'),
    readFile(join(folder, 'memory.current'), 'utf8'),
    readFile(join(folder, 'memory.max'), 'utf8'),
    readFile(join(folder, 'memory.stat'), 'utf8'),
  ])
  return {
    cpuNanoseconds: BigInt(statField(cpu, 'usage_usec')) * 1000n,
    ...memoryOf(Number(used), statField(stat, 'inactive_file')),
    ...(limit.trim() === 'max' ? {} : { memoryLimitBytes: Number(limit) }),
    rssBytes: statField(stat, 'anon'),
    pageFaults: statField(stat, 'pgfault'),
    majorPageFaults: statField(stat, 'pgmajfault'),
  }
}

/** The working set is what cannot be dropped under pressure: everything but inactive file pages. */
function memoryOf(memoryBytes: number, inactive: number): { memoryBytes: number; workingSetBytes: number } {
  return { memoryBytes, workingSetBytes: Math.max(0, memoryBytes - inactive) }
}

/** A row of a `.stat` file; 0 when it is not there. */
export function statField(text: string, name: string): number {
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1
  return at === 0 && !text.startsWith(`${name} `) ? 0 : Number.parseInt(text.slice(at + name.length + 1), 10) || 0
}
