import { readdir, readFile } from 'node:fs/promises'
import type { Clock } from '../../shared/time/clock.ts'

/** How long processes may take to end after they were told that their terminal hung up. Milliseconds. */
const HANG_UP_GRACE = 1_000
const POLL = 50
/** How long to wait until a process that was told to stop has stopped: it may be deep in the kernel, making a child. Milliseconds. */
const STOP_PATIENCE = 500
const STOP_POLL = 2

/** A process of this machine; its start tells it from a later one with the same number. */
export interface Process {
  readonly pid: number
  readonly parent: number
  /** Clock ticks since the machine started. */
  readonly started: string
  readonly isStopped: boolean
}

/**
 * Ends a process and everything that descends from it: a hang-up first, as of a terminal that was closed, and what is left after a second is
 * killed. Processes that took leave of their parent before are not found.
 * @param belongs asked before anything is done: whether the process is the one meant, by its cgroups. Numbers are used again.
 */
export async function endProcessTree(root: number, belongs: (cgroups: string) => boolean, clock: Clock): Promise<void> {
  if (!belongs(await textOf(`/proc/${root}/cgroup`))) return
  const tree = await stopTree([root], clock)
  for (const one of tree) send(one, 'SIGHUP')
  for (const one of tree) send(one, 'SIGCONT')
  for (const deadline = clock.monotonic() + HANG_UP_GRACE; clock.monotonic() < deadline; await clock.sleep(POLL)) {
    if ((await alive(tree)).length === 0) return
  }
  const left = (await alive(tree)).map(({ pid }) => pid)
  for (const one of await stopTree(left, clock)) send(one, 'SIGKILL')
}

/** Stops processes and their descendants, so that none can fork unseen and leave its children without a parent to be found by. */
async function stopTree(roots: readonly number[], clock: Clock): Promise<Process[]> {
  const stopped = new Map<number, Process>()
  for (;;) {
    const fresh = (await treeOf([...roots, ...stopped.keys()])).filter(({ pid }) => !stopped.has(pid))
    if (fresh.length === 0) return [...stopped.values()]
    for (const one of fresh) {
      send(one, 'SIGSTOP')
      stopped.set(one.pid, one)
    }
    await untilStopped(fresh, clock)
  }
}

/** A process that was on its way through a fork when it was told to stop makes that child first: looked for earlier, it would not be found. */
async function untilStopped(told: readonly Process[], clock: Clock): Promise<void> {
  for (const deadline = clock.monotonic() + STOP_PATIENCE; clock.monotonic() < deadline; await clock.sleep(STOP_POLL)) {
    if ((await alive(told)).every(({ isStopped }) => isStopped)) return
  }
}

/** The processes with these numbers and their descendants, parents first. */
export async function treeOf(roots: readonly number[]): Promise<Process[]> {
  const all = await allProcesses()
  const wanted = new Set(roots)
  for (let grown = true; grown; ) {
    const before = wanted.size
    for (const one of all) if (wanted.has(one.parent)) wanted.add(one.pid)
    grown = wanted.size > before
  }
  return all.filter(({ pid }) => wanted.has(pid))
}

/** Those that still are, as they are now. */
async function alive(processes: readonly Process[]): Promise<Process[]> {
  const now = await Promise.all(processes.map(({ pid }) => processOf(pid)))
  return now.filter((one, index): one is Process => one !== undefined && one.started === processes[index]?.started)
}

/** Every process that lives now. */
export async function allProcesses(): Promise<Process[]> {
  const names = await readdir('/proc')
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => processOf(Number(name))))
  return found.filter((one) => one !== undefined)
}

/** Undefined when it is gone, or dead and only waits to be buried. */
async function processOf(pid: number): Promise<Process | undefined> {
  const text = await textOf(`/proc/${pid}/stat`)
  // `pid (name) state parent … started …`; the name may hold anything, brackets and spaces included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const started = fields[19]
  if (!started || state === 'Z' || state === 'X') return undefined
  return { pid, parent: Number(parent), started, isStopped: state === 'T' || state === 't' }
}

/** Empty for a process that has ended. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return '' // gone meanwhile: the ordinary fate of processes
  }
}

/** Sends a signal, if the process still is. */
export function send({ pid }: Process, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
