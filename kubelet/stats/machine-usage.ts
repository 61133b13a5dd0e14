import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CgroupUsage, isGone, readCgroupUsage, statField } from '../runtime/cgroup-usage.ts'

/** What the whole node uses. */
export type MachineUsage = Omit<CgroupUsage, 'memoryLimitBytes'>

/**
 * Usage of the machine, or of the container that is the machine here: the top of the control groups as they are mounted.
 * The true top of a version 2 machine has no memory files; then the kernel's own table says it.
 * @param treeRoot where the file system tree starts; tests hand in a folder
 */
export async function measureMachine(treeRoot = '/'): Promise<MachineUsage> {
  const root = join(treeRoot, 'sys/fs/cgroup')
  const isUnified = await isThere(join(root, 'cgroup.controllers'))
  try {
    return await readCgroupUsage(isUnified ? { unified: root } : { cpu: join(root, 'cpuacct'), memory: join(root, 'memory') })
  } catch (error) {
    if (!isUnified || !isGone(error)) throw error
  }
  const [cpu, meminfo] = await Promise.all([readFile(join(root, 'cpu.stat'), 'utf8'), readFile(join(treeRoot, 'proc/meminfo'), 'utf8')])
  const bytes = (name: string) => Number(new RegExp(`^${name.replace(/[()]/g, '\\$&')}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  const memoryBytes = bytes('MemTotal') - bytes('MemFree')
  return {
    cpuNanoseconds: BigInt(statField(cpu, 'usage_usec')) * 1000n,
    memoryBytes,
    workingSetBytes: Math.max(0, memoryBytes - bytes('Inactive(file)')),
    rssBytes: bytes('AnonPages'),
  }
}

async function isThere(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  )
}
