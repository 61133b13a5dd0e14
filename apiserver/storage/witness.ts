import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { seal, unseal } from './leveldb-format.ts'

const FILE = 'WITNESS'
/** Room of one statement; two take turns, so that one is whole whatever happens to the other. */
const SLOT = 256

/** How far the log is known to go. */
export interface Statement {
  /** Identity of the kernel under which it was said. */
  readonly boot: string
  /** The newest revision that the operating system has, and the newest that the disk has. */
  readonly written: number
  readonly synced: number
}

/**
 * Says, in a file beside LevelDB's, how far the log goes: a log file that is cut or gone leaves a store that is sound and older, and only
 * somebody else can tell. It follows the log by one write at most, is never ahead of it, and is not waited for.
 */
export class Witness {
  readonly #file: FileHandle
  #count: number
  #next: Statement | undefined
  #writing: Promise<void> | undefined

  private constructor(file: FileHandle, count: number) {
    this.#file = file
    this.#count = count
  }

  /** Opens the file, making it when it is not there, and answers its newest whole statement. */
  static async open(directory: string): Promise<{ witness: Witness; said: Statement | undefined }> {
    const path = join(directory, FILE)
    const file = await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return open(path, 'w+')
    })
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2 * SLOT), 0, 2 * SLOT, 0)
    const text = buffer.subarray(0, bytesRead).toString('latin1')
    const said = [text.slice(0, SLOT), text.slice(SLOT)].flatMap(statementIn).sort((a, b) => b.count - a.count)
    return { witness: new Witness(file, said[0]?.count ?? 0), said: said[0]?.statement }
  }

  /** Statements made while one is being written become one. A failure leaves the older one, which is as true. */
  say(statement: Statement): void {
    this.#next = statement
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #write(): Promise<void> {
    for (let statement = this.#next; statement; statement = this.#next) {
      this.#next = undefined
      const count = ++this.#count
      const text = seal(FILE, JSON.stringify([count, statement.boot, statement.written, statement.synced]))
      const written = await this.#file.write(`${text}\n`.padEnd(SLOT), (count % 2) * SLOT, 'latin1').catch((error: unknown) => error)
      // The disk that is full here is full for the log, which says so.
      if (written instanceof Error) this.#next = undefined
    }
  }
}

function statementIn(slot: string): { count: number; statement: Statement }[] {
  try {
    const parts: unknown = JSON.parse(unseal(FILE, slot.trimEnd()))
    if (!Array.isArray(parts)) return []
    const [count, boot, written, synced] = parts
    return [{ count: Number(count), statement: { boot: String(boot), written: Number(written), synced: Number(synced) } }]
  } catch {
    return [] // torn or damaged: the other one counts
  }
}
