import type { Clock } from '../../../shared/time/clock.ts'
import { type ContainerLog, writeLog } from '../container-log.ts'
import { type ContainerRuntime, RuntimeError } from '../container-runtime.ts'
import type { LogEntry } from '../log-lines.ts'
import type { CriInspect } from './cri-inspect.ts'

/** How often a followed container is asked about. Milliseconds. */
const ASK_AGAIN = 500
/** After a new file was begun the runtime may still write what it held back to the old one. Milliseconds. */
const LATE = 1_000

/** Logs as a CRI runtime writes them. */
export function criLogs(inspect: CriInspect, clock: Clock): ContainerRuntime['logs'] {
  async function untilEnded(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(ASK_AGAIN, signal)
      try {
        const details = await inspect.fresh(id, signal)
        if (details?.status.state !== 'running') return
      } catch (error) {
        // The runtime may only be restarting; its containers, and what they print, go on.
        if (signal.aborted) throw error
      }
    }
  }

  return async (id, options, output, signal) => {
    const details = await inspect.fresh(id, signal)
    if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    if (details.status.state === 'created' || details.logPath === '') return // it has not been started
    const follow = options.follow && details.status.state === 'running'
    const following = follow ? { ended: (until: AbortSignal) => untilEnded(id, until), clock, late: LATE } : undefined
    await writeLog(criLog(details.logPath), options, following, output, signal)
  }
}

/** The runtime's file of this path. */
export function criLog(path: string): ContainerLog {
  return { path, read: entryOf }
}

/**
 * `<time> <stdout|stderr> <tags> <text>`, a line each. Of the tags, which `:` divides, the first is `F`, or `P` for a piece of a line that
 * goes on (KEP-2411's design of the CRI log format).
 */
function entryOf(line: string): LogEntry | undefined {
  const match = /^(\S+) (stdout|stderr) (F|P)\S* ?/.exec(line)
  if (!match || !line.endsWith('\n')) return undefined
  const [head, time = '', stream, tag] = match
  const text = line.slice(head.length, tag === 'F' ? undefined : -1)
  return { time: asUtc(time), stream: stream === 'stderr' ? 'stderr' : 'stdout', data: Buffer.from(text) }
}

/** Runtimes write the time of their machine's zone; the fraction of a second stays as it is. */
function asUtc(time: string): string {
  if (time.endsWith('Z')) return time
  const at = Date.parse(time)
  if (Number.isNaN(at)) return time
  const fraction = /\.\d+/.exec(time)?.[0] ?? ''
  return new Date(at).toISOString().replace(/\.\d+Z$/, `${fraction}Z`)
}
