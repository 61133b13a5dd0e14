import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerRuntime, ContainerStats } from './container-runtime.ts'
import type { InspectCache } from './docker-inspect.ts'

/** Usage read from the container's cgroup files: the engine's own answer takes a whole second. */
export function dockerStats(inspect: InspectCache, clock: Clock, root = '/sys/fs/cgroup'): ContainerRuntime['stats'] {
  return async (id, signal) => {
    const details = await inspect.fresh(id, signal)
    if (!details?.State.Running) return undefined
    try {
      const paths = parseCgroupPaths(await readFile(`/proc/${details.State.Pid}/cgroup`, 'utf8'))
      const usage = await (paths.unified === undefined ? readV1(root, paths.byController) : readV2(join(root, paths.unified)))
      return { containerId: id, measuredAt: clock.now(), ...usage }
    } catch (error) {
      // The process ended between the two readings.
      if (isGone(error)) return undefined
      throw error
    }
  }
}

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

type Usage = Pick<ContainerStats, 'cpuNanoseconds' | 'memoryBytes' | 'workingSetBytes'>

async function readV1(root: string, paths: ReadonlyMap<string, string>): Promise<Usage> {
  const cpu = join(root, 'cpuacct', paths.get('cpuacct') ?? '/')
  const memory = join(root, 'memory', paths.get('memory') ?? '/')
  const [nanoseconds, used, stat] = await Promise.all([
    readFile(join(cpu, 'cpuacct.usage'), 'utf8'),
    readFile(join(memory, 'memory.usage_in_bytes'), 'utf8'),
    readFile(join(memory, 'memory.stat'), 'utf8'),
  ])
  return usage(BigInt(nanoseconds.trim()), Number(used), fieldOf(stat, 'total_inactive_file'))
}

async function readV2(folder: string): Promise<Usage> {
  const [cpu, used, stat] = await Promise.all([
    readFile(join(folder, 'cpu.stat'), 'utf8'),
    readFile(join(folder, 'memory.current'), 'utf8'),
    readFile(join(folder, 'memory.stat'), 'utf8'),
  ])
  return usage(BigInt(fieldOf(cpu, 'usage_usec')) * 1000n, Number(used), fieldOf(stat, 'inactive_file'))
}

/** The working set is what cannot be dropped under pressure: everything but inactive file pages. */
function usage(cpuNanoseconds: bigint, memoryBytes: number, inactive: number): Usage {
  return { cpuNanoseconds, memoryBytes, workingSetBytes: Math.max(0, memoryBytes - inactive) }
}

function fieldOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 'ENODEV')
}
