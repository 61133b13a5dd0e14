import { readFile } from 'node:fs/promises'
import { allProcesses } from '../process-tree.ts'

/** A command that was asked for and has not ended. */
export interface ExecSession {
  readonly command: readonly string[]
  /** Clock ticks since the machine started; undefined: it was not asked for yet. */
  askedAt?: number | undefined
  /** Its process, once that is known. */
  pid?: number | undefined
}

/** A process that was started in a container from outside of it. */
export interface ExecProcess {
  readonly pid: number
  /** Clock ticks since the machine started. */
  readonly started: number
  readonly commandLine: readonly string[]
}

/** The kernel counts the starts of processes in this unit on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/** Now, as the starts of processes are counted. */
export async function ticksNow(): Promise<number> {
  const [seconds = '0'] = (await readFile('/proc/uptime', 'utf8')).split(' ')
  return Math.floor(Number(seconds) * TICKS_PER_SECOND)
}

/** Commands that run in a container beside its own: their parents are outside of its control group. */
export async function execProcesses(containerId: string, containerPid: number): Promise<ExecProcess[]> {
  const inside = new Map<number, { parent: number; started: string }>()
  for (const one of await allProcesses()) {
    if ((await textOf(`/proc/${one.pid}/cgroup`)).includes(containerId)) inside.set(one.pid, one)
  }
  const found: ExecProcess[] = []
  for (const [pid, { parent, started }] of inside) {
    if (pid === containerPid || inside.has(parent)) continue
    const commandLine = (await textOf(`/proc/${pid}/cmdline`)).split('\0').slice(0, -1)
    // On its way into the container, by several processes of which only the last one stays.
    if (commandLine[1] === 'init' && /(^|\/)runc$/.test(commandLine[0] ?? '')) continue
    found.push({ pid, started: Number(started), commandLine })
  }
  return found
}

/**
 * Which process is whose. The interface does not say, so sessions are matched in the order in which they were asked for, each with the first
 * process after that; one whose command line is the session's comes before others, which may have become another program meanwhile.
 */
export function matchExecs(sessions: readonly ExecSession[], processes: readonly ExecProcess[]): ReadonlyMap<ExecSession, number> {
  const matched = new Map<ExecSession, number>()
  const living = new Set(processes.map(({ pid }) => pid))
  for (const session of sessions) if (session.pid !== undefined && living.has(session.pid)) matched.set(session, session.pid)
  const taken = new Set(matched.values())
  const free = new Set(processes.filter(({ pid }) => !taken.has(pid)).sort((a, b) => a.started - b.started))
  const inOrder = sessions.filter(wasAsked).sort((a, b) => a.askedAt - b.askedAt)
  for (const isExact of [true, false]) {
    for (const session of inOrder) {
      if (matched.has(session)) continue
      for (const one of free) {
        // The same tick is possible: asking takes less.
        if (one.started < session.askedAt || (isExact && !isSame(one.commandLine, session.command))) continue
        matched.set(session, one.pid)
        free.delete(one)
        break
      }
    }
  }
  return matched
}

function wasAsked(session: ExecSession): session is ExecSession & { askedAt: number } {
  return session.askedAt !== undefined
}

/** The same command, word for word. */
export function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index])
}

/** Empty for a process that has ended. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return '' // gone meanwhile: the ordinary fate of processes
  }
}
