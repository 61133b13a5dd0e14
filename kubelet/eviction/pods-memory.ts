import { join } from 'node:path'
import { isGone, readCgroupUsage } from '../runtime/cgroup-usage.ts'
import { isUnified } from '../runtime/limit-group.ts'
import { ALL_PODS } from '../runtime/pod-cgroup.ts'
import type { Amount } from './signals.ts'

/** What is left of the memory that all pods may have together; undefined where nothing limits them, or there has been none yet. */
export async function memoryOfPods(root = '/sys/fs/cgroup'): Promise<Amount | undefined> {
  const folders = (await isUnified(root))
    ? { unified: join(root, ALL_PODS) }
    : { cpu: join(root, 'cpuacct', ALL_PODS), memory: join(root, 'memory', ALL_PODS) }
  try {
    const { memoryLimitBytes, workingSetBytes } = await readCgroupUsage(folders)
    return memoryLimitBytes === undefined
      ? undefined
      : { available: Math.max(0, memoryLimitBytes - workingSetBytes), capacity: memoryLimitBytes }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}
