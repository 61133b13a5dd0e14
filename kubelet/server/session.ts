import type { Readable, Writable } from 'node:stream'
import { type FailureStatus, StatusError } from '../../shared/errors/status-error.ts'

/** What a person's client connected to a command or container, whatever protocol carries it. */
export interface Session {
  stdin?: Readable | undefined
  stdout?: Writable | undefined
  stderr?: Writable | undefined
  resize?: AsyncIterable<{ width: number; height: number }> | undefined
  /** Tells the outcome and takes leave of the client; to be called after all output has gone out. Rejects when there is nobody to tell. */
  finish(outcome: SessionOutcome): Promise<void>
}

/** Which streams the client asked for. */
export interface SessionWish {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/** An exit code, or why there is none. */
export type SessionOutcome = { exitCode: number } | { error: unknown }

/** The outcome as clients read it from the error stream: a Status of success, or a failure with the exit code among its causes. */
export function outcomeStatus(outcome: SessionOutcome): FailureStatus | { metadata: object; status: 'Success' } {
  if ('error' in outcome) {
    if (outcome.error instanceof StatusError) return outcome.error.toStatus()
    const message = outcome.error instanceof Error ? outcome.error.message : String(outcome.error)
    return new StatusError('InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ message }] } }).toStatus()
  }
  if (outcome.exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${outcome.exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(outcome.exitCode) }] },
    code: 500,
  }
}

/** Terminal sizes as JSON texts, one a line or one after another, as clients write them. */
export async function* terminalSizes(source: AsyncIterable<Buffer | string>): AsyncGenerator<{ width: number; height: number }> {
  let rest = ''
  for await (const chunk of source) {
    rest += chunk.toString()
    const end = rest.lastIndexOf('}')
    if (end < 0) {
      if (rest.length > 1_000) return
      continue
    }
    for (const text of rest.slice(0, end + 1).split(/(?<=\})/)) {
      const size = parseSize(text)
      if (size) yield size
    }
    rest = rest.slice(end + 1)
  }
}

function parseSize(text: string): { width: number; height: number } | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    const isSize = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff
    return isSize(width) && isSize(height) ? { width, height } : undefined
  } catch {
    return undefined // a malformed size is not worth a session
  }
}
