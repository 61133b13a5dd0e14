import type { Frame } from './docker-streams.ts'

/** One line of a log, or a piece of a long one. */
export interface LogEntry extends Frame {
  /** RFC 3339 with up to nine digits of a second. */
  readonly time: string
}

/** Reads entries out of the bytes of json-file logs, whole lines at a time. */
export class LogLines {
  #rest: Buffer = Buffer.alloc(0)

  /** Entries that are complete with these bytes; what the engine left half-written when it died is passed over. */
  push(bytes: Buffer): LogEntry[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const end = all.lastIndexOf(0x0a) + 1
    this.#rest = all.subarray(end)
    const entries: LogEntry[] = []
    for (let at = 0; at < end; ) {
      const next = all.indexOf(0x0a, at) + 1
      const entry = entryOf(all.toString('utf8', at, next))
      if (entry) entries.push(entry)
      at = next
    }
    return entries
  }
}

function entryOf(line: string): LogEntry | undefined {
  try {
    const { log, stream, time } = JSON.parse(line) as { log?: unknown; stream?: unknown; time?: unknown }
    if (typeof log !== 'string' || typeof time !== 'string') return undefined
    return { stream: stream === 'stderr' ? 'stderr' : 'stdout', data: Buffer.from(log), time }
  } catch {
    return undefined // a line that was being written when the machine went down
  }
}
