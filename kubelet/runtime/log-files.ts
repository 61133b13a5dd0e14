import type { FileHandle } from 'node:fs/promises'
import { open, stat } from 'node:fs/promises'
import type { Clock } from '../../shared/time/clock.ts'

/** Files that a reader may be behind. Beyond this it is too slow to be served without gaps: 640 MB of disk would be kept for it. */
const MOST_BEHIND = 64
const BLOCK = 256 * 1024

interface LogFile {
  readonly handle: FileHandle
  readonly inode: bigint
  /** When it was found, on the monotonic clock. */
  readonly foundAt: number
}

/** For logs whose writer may still write to a file when there is a newer one: how long, in milliseconds. */
export interface LateWrites {
  readonly clock: Clock
  readonly milliseconds: number
}

/**
 * A log that the engine rotates: `path` is written, `path.1` is the one before it, and so on. Files are held open and told apart by inode, so that
 * renaming and removing them takes nothing from who is reading, and nothing is read twice.
 */
export class LogFiles {
  readonly #path: string
  readonly #late: LateWrites | undefined
  /** Oldest first; the first is being read. */
  readonly #files: LogFile[] = []
  #position = 0
  /** Bytes of the newest file that are read; no end: what comes is read, too. */
  #end = Number.POSITIVE_INFINITY
  /** One look at a time: two would find the same new file. */
  #looking: Promise<unknown> = Promise.resolve()

  private constructor(path: string, late: LateWrites | undefined) {
    this.#path = path
    this.#late = late
  }

  /** Everything that is there now. @throws Error with `code` ENOENT when there is no log */
  static async open(path: string, late?: LateWrites): Promise<LogFiles> {
    const files = new LogFiles(path, late)
    // Between two renames of a rotation there is no file of that name; the next attempt finds one.
    if (!(await files.refresh()) && !(await files.refresh())) await stat(path)
    return files
  }

  /**
   * Looks for newer files; false: just now there is none of that name. To be called often enough that the engine cannot throw one away in between.
   * @throws Error when it did
   */
  refresh(): Promise<boolean> {
    const looked = this.#looking.then(() => this.#look())
    this.#looking = looked.catch(() => {}) // told to whoever asked for that look
    return looked
  }

  async #look(): Promise<boolean> {
    const newest = this.#files.at(-1)
    if (newest && (await inodeOf(this.#path)) === newest.inode) return true
    const found: LogFile[] = []
    try {
      let isLinked = false
      let gaps = 0
      // From the newest back, so that a rotation meanwhile shows one twice rather than hides one. It may leave one name unused for a moment.
      for (let number = 0; !isLinked && gaps < 2; number++) {
        const file = await this.#open(number === 0 ? this.#path : `${this.#path}.${number}`)
        if (!file && number === 0) return false
        if (!file) gaps++
        isLinked = newest !== undefined && file?.inode === newest.inode
        if (!file) continue
        if (isLinked || found.some(({ inode }) => inode === file.inode)) await file.handle.close()
        else found.push(file)
      }
      if (newest && !isLinked) throw new Error('the log was rotated away faster than it could be read')
      if (this.#files.length + found.length > MOST_BEHIND) throw new Error('the reader of the log is too slow')
      this.#files.push(...found.splice(0).reverse())
      return true
    } finally {
      for (const { handle } of found) await handle.close()
    }
  }

  /** What is written from now on is not read. Without it, a reader of a busy log would get more lines than the last, or never come to the end. */
  async endHere(): Promise<void> {
    const newest = this.#files.at(-1)
    if (newest) this.#end = (await newest.handle.stat()).size
  }

  /** The next bytes; undefined: for now there are no more. @param isOver nobody writes any more */
  async read(isOver: boolean): Promise<Buffer | undefined> {
    for (;;) {
      const [current] = this.#files
      if (!current) return undefined
      // Known before the read: only then is an end of the file its final one.
      const isComplete = this.#isComplete(isOver)
      const length = this.#files.length > 1 ? BLOCK : Math.min(BLOCK, this.#end - this.#position)
      if (length <= 0) return undefined
      const { bytesRead, buffer } = await current.handle.read(Buffer.allocUnsafe(length), 0, length, this.#position)
      if (bytesRead > 0) {
        this.#position += bytesRead
        return buffer.subarray(0, bytesRead)
      }
      if (!isComplete) return undefined
      this.#files.shift()
      this.#position = 0
      await current.handle.close()
    }
  }

  #isComplete(isOver: boolean): boolean {
    const next = this.#files[1]
    if (!next || isOver || !this.#late) return next !== undefined
    return this.#late.clock.monotonic() - next.foundAt >= this.#late.milliseconds
  }

  async #open(path: string): Promise<LogFile | undefined> {
    const handle = await orAbsent(open(path, 'r'))
    return handle && { handle, inode: (await handle.stat({ bigint: true })).ino, foundAt: this.#late?.clock.monotonic() ?? 0 }
  }

  /** Skips all but the last lines. */
  async skipToLast(lines: number): Promise<void> {
    // The last line's own end is one more.
    let left = lines + 1
    for (let index = this.#files.length - 1; index >= 0; index--) {
      const { handle } = this.#files[index]!
      const { size } = await handle.stat()
      for (let end = index === this.#files.length - 1 ? Math.min(size, this.#end) : size; end > 0; ) {
        const start = Math.max(0, end - BLOCK)
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(end - start), 0, end - start, start)
        for (let at = buffer.lastIndexOf(0x0a, bytesRead - 1); at >= 0; at = at > 0 ? buffer.lastIndexOf(0x0a, at - 1) : -1) {
          if (--left === 0) return this.#startAt(index, start + at + 1)
        }
        end = start
      }
    }
  }

  async close(): Promise<void> {
    for (const { handle } of this.#files.splice(0)) await handle.close()
  }

  async #startAt(index: number, position: number): Promise<void> {
    for (const { handle } of this.#files.splice(0, index)) await handle.close()
    this.#position = position
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  return (await orAbsent(stat(path, { bigint: true })))?.ino
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
