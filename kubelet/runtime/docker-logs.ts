import { watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import type { Clock } from '../../shared/time/clock.ts'
import { type ContainerRuntime, type LogOptions, RuntimeError } from './container-runtime.ts'
import { isMissing } from './docker-client.ts'
import type { DockerParts } from './docker-sandboxes.ts'
import type { Frame } from './docker-streams.ts'
import { LogFiles } from './log-files.ts'
import { type LogEntry, LogLines } from './log-lines.ts'
import { writeAll } from './write-all.ts'

/** How often a followed log is looked at, news of changes or not; the engine fills and throws away five files no faster. Milliseconds. */
const LOOK = 200
/** How long to wait before the engine is asked again whether the container has ended. Milliseconds. */
const ASK_AGAIN = 1_000

/**
 * A container's log as the engine keeps it (json-file), byte for byte, stdout and stderr in the order they were written. Read from the engine's
 * files, as upstream's kubelet reads its runtime's: the engine's own followers repeat and lose lines when a log is rotated.
 */
export function dockerLogs({
  docker,
  inspect,
  clock,
}: Pick<DockerParts, 'docker' | 'inspect'> & { clock: Clock }): ContainerRuntime['logs'] {
  /** Resolves when the container does not run any more: from then on its log is complete. */
  async function untilEnded(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await docker.call('POST', `/containers/${id}/wait`, { signal })
        return
      } catch (error) {
        if (isMissing(error)) return
        // The engine may only be restarting.
        await clock.sleep(ASK_AGAIN, signal)
      }
    }
  }

  return async (id: string, options: LogOptions, output: Writable, signal: AbortSignal): Promise<void> => {
    const details = await inspect.fresh(id, signal)
    if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    if (details.LogPath === '') return // it has not been started
    const stop = new AbortController()
    const until = AbortSignal.any([signal, stop.signal])
    const leave = () => stop.abort()
    // A reader that goes away while the log is silent is noticed only here.
    output.once('close', leave)
    const follow = options.follow && details.State.Running ? { ended: untilEnded(id, until), clock } : undefined
    follow?.ended.catch(() => {}) // aborted: so is everybody who waits for it
    try {
      let left = options.limitBytes ?? Number.POSITIVE_INFINITY
      for await (const bytes of textOf(details.LogPath, options, follow, until)) {
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
}

/** A whole log by stream, for those who come after the end. */
export async function* framesOfLog(path: string): AsyncGenerator<Frame> {
  const { signal } = new AbortController()
  for await (const entries of entriesOf(path, undefined, undefined, signal)) yield* entries
}

interface Following {
  readonly ended: Promise<void>
  readonly clock: Clock
}

async function* textOf(
  path: string,
  { timestamps, since, tailLines }: LogOptions,
  follow: Following | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const isMidLine = { stdout: false, stderr: false }
  for await (const entries of entriesOf(path, tailLines, follow, signal)) {
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
  path: string,
  tailLines: number | undefined,
  follow: Following | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  const files = await openLog(path)
  const news = follow && watchLog(path, follow, files)
  try {
    if (tailLines !== undefined) await files.skipToLast(tailLines)
    const lines = new LogLines()
    for (;;) {
      // In this order: what was written before the end, or before the newest file, is read after we knew of it.
      const isOver = news?.isOver() ?? true
      const change = news?.next(signal)
      if (isOver && news) await files.refresh()
      const bytes = await files.read()
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

async function openLog(path: string): Promise<LogFiles> {
  try {
    return await LogFiles.open(path)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RuntimeError('LogError', `the engine's log cannot be read: ${why}; the kubelet must see the engine's data directory`, {
      cause,
    })
  }
}

/** Keeps track of a log's files while its reader is busy, and wakes it when there may be more. */
function watchLog(path: string, { ended, clock }: Following, files: LogFiles) {
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
