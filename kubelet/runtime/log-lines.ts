import type { Frame } from './session-frames.ts'

/** One line of a log, or a piece of a long one. */
export interface LogEntry extends Frame {
  /** RFC 3339 with up to nine digits of a second. */
  readonly time: string
}

/** Reads one line of a log, its end included; undefined for one that was being written when the machine went down. */
export type LineReader = (line: string) => LogEntry | undefined

/** Reads entries out of the bytes of a log, whole lines at a time. */
export class LogLines {
  readonly #read: LineReader
  #rest: Buffer = Buffer.alloc(0)

  constructor(read: LineReader) {
    this.#read = read
  }

  /** Entries that are complete with these bytes; what was left half-written when the machine went down is passed over. */
  push(bytes: Buffer): LogEntry[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const end = all.lastIndexOf(0x0a) + 1
    this.#rest = all.subarray(end)
    const entries: LogEntry[] = []
    for (let at = 0; at < end; ) {
      const next = all.indexOf(0x0a, at) + 1
      const entry = this.#read(all.toString('utf8', at, next))
      if (entry) entries.push(entry)
      at = next
    }
    return entries
  }
}
