import { watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import type { Clock } from '../../shared/time/clock.ts'
import { type LogOptions, RuntimeError } from './container-runtime.ts'
import { LogFiles } from './log-files.ts'
import { type LineReader, type LogEntry, LogLines } from './log-lines.ts'
import type { Frame } from './session-frames.ts'
import { writeAll } from './write-all.ts'

/** How often a followed log is looked at, news of changes or not; runtimes fill and throw away five files no faster. Milliseconds. */
const LOOK = 200

/** A log as a runtime keeps it: `path` is written, `path.1` is the one before it, and so on. */
export interface ContainerLog {
  readonly path: string
  readonly read: LineReader
}

/** How to follow a log until there is nothing more to come. */
export interface Following {
  /** Resolves when the container does not run any more: from then on its log is complete. Given up when the signal aborts. */
  readonly ended: (signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  /** How long the runtime may still write to a file when it has begun a newer one, in milliseconds; absent: it does not. */
  readonly late?: number | undefined
}

/**
 * Writes a container's log, byte for byte, stdout and stderr in the order they were written, as far as asked for. Read from the runtime's
 * files: followers of engines repeat and lose lines when a log is rotated.
 * @param follow absent: what there is
 */
export async function writeLog(
  log: ContainerLog,
  options: LogOptions,
  follow: Following | undefined,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  const leave = () => stop.abort()
  // A reader that goes away while the log is silent is noticed only here.
  output.once('close', leave)
  const ended = follow?.ended(until)
  ended?.catch(() => {}) // aborted: so is everybody who waits for it
  try {
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY
    for await (const bytes of textOf(log, options, follow && ended ? { ...follow, ended } : undefined, until)) {
      const piece = bytes.length > left ? bytes.subarray(0, left) : bytes
      left -= piece.length
      if (!(await writeAll(output, piece, until)) || left <= 0) break
    }
  } catch (error) {
    if (!until.aborted) throw error
  } finally {
    output.off('close', leave)
    stop.abort()
  }
}

/** A whole log by stream, for those who come after the end. */
export async function* framesOfLog(log: ContainerLog): AsyncGenerator<Frame> {
  const { signal } = new AbortController()
  for await (const entries of entriesOf(log, undefined, undefined, signal)) yield* entries
}

interface Watching {
  readonly ended: Promise<void>
  readonly clock: Clock
  readonly late?: number | undefined
}

async function* textOf(
  { path, read }: ContainerLog,
  { timestamps, since, tailLines }: LogOptions,
  follow: Watching | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const isMidLine = { stdout: false, stderr: false }
  for await (const entries of entriesOf({ path, read }, tailLines, follow, signal)) {
    const parts: Buffer[] = []
    for (const { stream, data, time } of entries) {
      if (since !== undefined && Date.parse(time) < since) continue
      if (timestamps && !isMidLine[stream]) parts.push(Buffer.from(`${nineDigits(time)} `))
      // Long lines are kept in pieces.
      isMidLine[stream] = data.at(-1) !== 0x0a
      parts.push(data)
    }
    if (parts.length > 0) yield Buffer.concat(parts)
  }
}

/** The entries of a log, some at a time; following, until the container has ended and all was read. */
async function* entriesOf(
  { path, read }: ContainerLog,
  tailLines: number | undefined,
  follow: Watching | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  const files = await openLog(path, follow)
  const news = follow && watchLog(path, follow, files)
  try {
    if (!follow) await files.endHere()
    if (tailLines !== undefined) await files.skipToLast(tailLines)
    const lines = new LogLines(read)
    for (;;) {
      // In this order: what was written before the end, or before the newest file, is read after we knew of it.
      const isOver = news?.isOver() ?? true
      const change = news?.next(signal)
      if (isOver && news) await files.refresh()
      const bytes = await files.read(isOver)
      if (signal.aborted) return
      if (bytes) yield lines.push(bytes)
      else if (isOver) return
      else await change?.()
    }
  } finally {
    news?.stop()
    await files.close()
  }
}

async function openLog(path: string, follow: Watching | undefined): Promise<LogFiles> {
  try {
    return await LogFiles.open(path, follow?.late === undefined ? undefined : { clock: follow.clock, milliseconds: follow.late })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RuntimeError(
      'LogError',
      `the container's log cannot be read: ${why}; the kubelet must see the folder that the runtime writes logs to`,
      {
        cause,
      },
    )
  }
}

/** Keeps track of a log's files while its reader is busy, and wakes it when there may be more. */
function watchLog(path: string, { ended, clock }: Watching, files: LogFiles) {
  let isOver = false
  let failure: unknown
  let changed = Promise.withResolvers<void>()
  let isLooking = false
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const look = () => {
    if (isLooking) return
    isLooking = true
    files.refresh().then(
      () => {
        isLooking = false
        wake()
      },
      (error: unknown) => {
        // Told to the reader when it has read what there was before; nothing after that could follow without a gap.
        failure = error
        wake()
      },
    )
  }
  ended.then(
    () => {
      isOver = true
      wake()
    },
    () => wake(),
  )
  const timer = clock.every(LOOK, look)
  // Only a hint that makes lines come at once: machines run out of watches, and then it is the timer alone.
  const watcher = tryWatch(dirname(path), look)
  return {
    isOver: () => isOver,
    /** What to wait with for the first change from now on; that throws when something was lost. */
    next(signal: AbortSignal): () => Promise<void> {
      const { promise } = changed
      return async () => {
        if (failure !== undefined) throw failure
        signal.addEventListener('abort', wake, { once: true })
        if (!signal.aborted) await promise
        signal.removeEventListener('abort', wake)
        if (failure !== undefined) throw failure
      }
    },
    stop() {
      timer.cancel()
      watcher?.close()
      wake()
    },
  }
}

function tryWatch(folder: string, changed: () => void) {
  try {
    return watch(folder, changed).on('error', () => {})
  } catch {
    return undefined
  }
}

/** `…:05.1Z` → `…:05.100000000Z`: one width for all, as people know it. */
function nineDigits(time: string): string {
  const [whole = '', fraction = ''] = time.replace(/Z$/, '').split('.')
  return `${whole}.${fraction.padEnd(9, '0')}Z`
}
