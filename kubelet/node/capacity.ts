import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readCgroupLimits } from './cgroup-limits.ts'

/** The size of this node: the machine, or the part of it that its control group allows. */
export interface Capacity {
  cpuMillis: number
  memoryBytes: number
  /** Of the file system that holds the root directory. */
  storageBytes: number
}

/** What is left right now. */
export interface Headroom {
  memoryBytes: number
  storageBytes: number
  /** Files that can still be made; undefined where the file system does not count them. */
  inodes: number | undefined
  inodesTotal: number
  storageTotal: number
  processes: number | undefined
  /** Of the kernel's; absent where it does not say. */
  processesTotal?: number | undefined
}

export interface MachinePlaces {
  /** Where pods keep their files. */
  rootDir: string
  /** Where the file system tree starts; tests hand in a folder. Default `/`. */
  treeRoot?: string | undefined
  /** Default: the processors this process may use. */
  processors?: number | undefined
}

/** Measures the node. @throws Error when /proc/meminfo or the root directory cannot be read */
export async function measureCapacity(places: MachinePlaces): Promise<Capacity> {
  const root = places.treeRoot ?? '/'
  const [limits, memory, disk] = await Promise.all([readCgroupLimits(root), readMemory(root), statfs(places.rootDir)])
  const processors = (places.processors ?? availableParallelism()) * 1000
  return {
    cpuMillis: Math.min(processors, limits.cpuMillis ?? processors),
    memoryBytes: Math.min(memory.total, limits.memoryBytes ?? memory.total),
    storageBytes: disk.blocks * disk.bsize,
  }
}

/** Measures what is left. @throws Error as `measureCapacity` */
export async function measureHeadroom(places: MachinePlaces): Promise<Headroom> {
  const root = places.treeRoot ?? '/'
  const [limits, memory, disk, processes] = await Promise.all([
    readCgroupLimits(root),
    readMemory(root),
    statfs(places.rootDir),
    processesLeft(root),
  ])
  const pids = [processes?.left, limits.pidsAvailable].filter((count) => count !== undefined)
  return {
    memoryBytes: Math.min(memory.available, limits.memoryAvailableBytes ?? memory.available),
    storageBytes: disk.bavail * disk.bsize,
    inodes: disk.files > 0 ? disk.ffree : undefined,
    inodesTotal: disk.files,
    storageTotal: disk.blocks * disk.bsize,
    processes: pids.length > 0 ? Math.min(...pids) : undefined,
    processesTotal: processes?.total,
  }
}

async function readMemory(root: string): Promise<{ total: number; available: number }> {
  const text = await readFile(join(root, 'proc/meminfo'), 'utf8')
  const bytes = (name: string) => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)
    if (!match) throw new Error(`/proc/meminfo does not say ${name}`)
    return Number(match[1]) * 1024
  }
  return { total: bytes('MemTotal'), available: bytes('MemAvailable') }
}

/** Threads that the kernel can still make; undefined where it does not say. */
async function processesLeft(root: string): Promise<{ left: number; total: number } | undefined> {
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => undefined)
  const [pidMax, threadsMax, load] = await Promise.all([
    read('proc/sys/kernel/pid_max'),
    read('proc/sys/kernel/threads-max'),
    read('proc/loadavg'),
  ])
  const running = /\d+\/(\d+)/.exec(load ?? '')?.[1]
  if (running === undefined) return undefined
  const limits = [pidMax, threadsMax].filter((value) => value !== undefined).map((value) => Number(value.trim()))
  if (limits.length === 0) return undefined
  const total = Math.min(...limits)
  return { left: Math.max(0, total - Number(running)), total }
}
