import { mkdir, readlink, rm, rmdir, stat, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import { Bell } from '../../shared/time/bell.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import { namesIn } from '../volumes/folders.ts'
import type { ContainerRuntime, ContainerStatus, SandboxStatus } from './container-runtime.ts'

export interface LogLinkOptions {
  runtime: Pick<ContainerRuntime, 'listContainers' | 'listSandboxes' | 'logPath'>
  /** `<namespace>_<name>_<uid>/<container>/<attempt>.log`: where a CRI runtime writes, and links lead where another one does. */
  podLogsDir: string
  /** `<name>_<namespace>_<container>-<id>.log`: links to those. */
  containerLogsDir: string
  clock: Clock
  log: Logger
}

/** What happens in one pod happens in bursts. */
const SETTLE_MILLISECONDS = 200
/** Links that lead nowhere are looked for this often. */
const EVERY_MILLISECONDS = 60_000
/** The longest name of a file on Linux. */
const LONGEST_NAME = 255
const EXTENSION = '.log'

/** Links to the logs of containers where log agents expect them (upstream's places). */
export interface LogLinks {
  /** Keeps them until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** A container may have begun or gone. */
  wake(): void
}

/** A link goes when what it leads to has gone; the files are the runtime's. Several kubelets may share the folders. */
export function logLinks(options: LogLinkOptions): LogLinks {
  const { clock, log } = options
  const bell = new Bell()
  let isDue = true
  const wake = () => {
    isDue = true
    bell.ring()
  }
  return {
    wake,
    async run(signal) {
      let isSweepDue = true
      const timer = clock.every(EVERY_MILLISECONDS, () => {
        isSweepDue = true
        wake()
      })
      const linked = new Set<string>()
      while (!signal.aborted) {
        isDue = false
        try {
          const isGone = await linkAll(options, linked, signal)
          const isToSweep = isGone || isSweepDue
          isSweepDue = false
          if (isToSweep) await removeDeadLinks(options)
        } catch (error) {
          if (!signal.aborted) log.warn('logs of containers could not be linked for log agents; trying again', { error: String(error) })
        }
        await bell.rung(isDue, signal)
        await pause(clock, SETTLE_MILLISECONDS, signal)
      }
      timer.cancel()
    },
  }
}

/** True when a container that was linked has gone. */
async function linkAll(
  { runtime, podLogsDir, containerLogsDir }: LogLinkOptions,
  linked: Set<string>,
  signal: AbortSignal,
): Promise<boolean> {
  const [sandboxes, containers] = await Promise.all([runtime.listSandboxes({}, signal), runtime.listContainers({}, signal)])
  const pods = new Map(sandboxes.map((sandbox) => [sandbox.pod.uid, sandbox.pod]))
  const there = new Set(containers.map(({ id }) => id))
  const gone = [...linked].filter((id) => !there.has(id))
  for (const id of gone) linked.delete(id)
  for (const container of containers) {
    const pod = pods.get(container.podUid)
    if (!pod || linked.has(container.id)) continue
    const written = await runtime.logPath?.(container.id, signal)
    if (!written) continue // it has not begun
    const path = podLogPath(podLogsDir, pod, container)
    if (written !== path) await link(path, written)
    await link(join(containerLogsDir, containerLogName(pod, container)), path)
    linked.add(container.id)
  }
  return gone.length > 0
}

function podLogPath(folder: string, { namespace, name, uid }: SandboxStatus['pod'], container: ContainerStatus): string {
  return join(folder, `${namespace}_${name}_${uid}`, container.name, `${container.attempt}${EXTENSION}`)
}

/** As upstream cuts it: the end goes where it is too long. */
export function containerLogName({ namespace, name }: SandboxStatus['pod'], container: Pick<ContainerStatus, 'name' | 'id'>): string {
  return `${name}_${namespace}_${container.name}-${container.id}`.slice(0, LONGEST_NAME - EXTENSION.length) + EXTENSION
}

async function link(path: string, target: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  if ((await readlink(path).catch(() => undefined)) === target) return
  await rm(path, { force: true })
  await symlink(target, path)
}

/** Those that are ours by where they are and where they lead. */
async function removeDeadLinks({ podLogsDir, containerLogsDir }: LogLinkOptions): Promise<void> {
  for (const pod of await namesIn(podLogsDir)) {
    for (const container of await namesIn(join(podLogsDir, pod))) {
      const folder = join(podLogsDir, pod, container)
      let isLess = false
      for (const name of await namesIn(folder)) if (await removeIfDead(join(folder, name), '/')) isLess = true
      // A folder that was empty before is a runtime's, which is about to write there.
      if (isLess && (await removeIfEmpty(folder))) await removeIfEmpty(join(podLogsDir, pod))
    }
  }
  for (const name of await namesIn(containerLogsDir)) await removeIfDead(join(containerLogsDir, name), podLogsDir)
}

/** Whether it did. */
async function removeIfDead(path: string, leadsTo: string): Promise<boolean> {
  const target = await readlink(path).catch(() => undefined)
  if (!target?.startsWith(leadsTo)) return false
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  if (!isThere) await rm(path, { force: true })
  return !isThere
}

/** Whether it did; one that has something in it stays. */
async function removeIfEmpty(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    () => false,
  )
}
