import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isMissing } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { pause } from '../../../shared/time/pause.ts'
import { type LogLimits, USUAL_LOGS } from '../log-limits.ts'
import type { CriClient } from './cri-client.ts'

/** Logs are looked at this often; upstream's default. */
const LOOK_MILLISECONDS = 10_000

/** A container's log that is being written. */
export interface WrittenLog {
  containerId: string
  path: string
}

export interface RotationOptions {
  cri: CriClient
  /** Of containers that run. */
  logs(signal: AbortSignal): Promise<WrittenLog[]>
  /** Absent: the usual. */
  limits?: LogLimits | undefined
  clock: Clock
  log: Logger
}

/** The older files of a log, newest first: `path.1`, `path.2`, … */
function rotatedLogs(path: string, files: number): string[] {
  return Array.from({ length: files - 1 }, (_, index) => `${path}.${index + 1}`)
}

/** Begins new files for logs that grew large, until the signal aborts: with CRI that is the kubelet's work. */
export async function rotateLogs(options: RotationOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options
  while (!signal.aborted) {
    try {
      for (const one of await options.logs(signal)) await rotateOne(options, one, signal)
    } catch (error) {
      if (signal.aborted) return
      log.warn('logs of containers could not be looked at; trying again', { error: String(error) })
    }
    await pause(clock, LOOK_MILLISECONDS, signal)
  }
}

/** One log, when it is large enough. @param most bytes */
export async function rotateOne(
  { cri, log, limits = USUAL_LOGS }: RotationOptions,
  { containerId, path }: WrittenLog,
  signal: AbortSignal,
  most = limits.bytes,
): Promise<void> {
  if ((await sizeOf(path)) < most) return
  const older = rotatedLogs(path, limits.files)
  await rm(older.at(-1) ?? path, { force: true })
  for (let index = older.length - 1; index >= 1; index--) await renamed(older[index - 1]!, older[index]!)
  const [newest = `${path}.1`] = older
  await renamed(path, newest)
  try {
    await cri.call('ReopenContainerLog', { containerId }, { signal })
  } catch (error) {
    // The runtime goes on writing to the file it has open, which must be found under its name again.
    await renamed(newest, path)
    signal.throwIfAborted()
    if (!isMissing(error)) log.warn('a log could not be rotated; trying again', { container: containerId, error: String(error) })
  }
}

/** A container's log and whatever was rotated away of it, however many files were kept then. */
export async function removeLogs(path: string): Promise<void> {
  const folder = dirname(path)
  const names = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  const own = names.filter((name) => name === basename(path) || name.startsWith(`${basename(path)}.`))
  await Promise.all(own.map((name) => rm(join(folder, name), { force: true })))
}

/** 0 for what is not there. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}

async function renamed(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
