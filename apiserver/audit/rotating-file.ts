import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { AuditOutput } from './audit-log.ts'
import { backupPath, type Keeping, tidyBackups } from './file-backups.ts'

export interface RotatingFileOptions {
  readonly path: string
  /** A file that would grow beyond this is put aside. */
  readonly maxBytes: number
  readonly keeping: Keeping
  readonly clock: Clock
  readonly log: Logger
}

/** How often it is looked whether the file is still the one at its path, in milliseconds. */
const LOOK_INTERVAL = 1_000
/** After a file could not be put aside, it grows on for so long, in milliseconds: rather too large a file than none. */
const ROTATION_PAUSE = 60_000
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY

/**
 * A file of lines that is put aside when it is large, as upstream's. It may also be moved or removed by others (logrotate): then another one is
 * begun. What was written before a crash stays; a line that a full disk has torn is ended before the next one.
 */
export class RotatingFile implements AuditOutput {
  readonly #options: RotatingFileOptions
  #handle: FileHandle | undefined
  #size = 0
  #inode = 0n
  #isRegular = true
  #isTorn = false
  #lookedAt = 0
  #rotatesFrom = 0
  #tidying: Promise<void> = Promise.resolve()

  constructor(options: RotatingFileOptions) {
    this.#options = options
  }

  /** @throws Error of the file system */
  async open(): Promise<void> {
    const { path, clock } = this.#options
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const handle = await open(path, APPEND, 0o600)
    const facts = await handle.stat({ bigint: true })
    this.#handle = handle
    this.#size = Number(facts.size)
    this.#inode = facts.ino
    this.#isRegular = facts.isFile()
    this.#lookedAt = clock.monotonic()
    if (this.#isRegular) this.#tidy()
  }

  /** @throws Error of the file system; of the bytes a part may be there */
  async append(bytes: Buffer): Promise<void> {
    await this.#look()
    if (this.#isRegular && this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) await this.#rotate()
    if (!this.#handle) await this.open()
    if (this.#isTorn) await this.#write(Buffer.from('\n'))
    this.#isTorn = false
    await this.#write(bytes)
  }

  async close(): Promise<void> {
    await this.#release()
    await this.#tidying
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      try {
        const { bytesWritten } = await this.#handle!.write(bytes, at)
        at += bytesWritten
        this.#size += bytesWritten
      } catch (error) {
        this.#isTorn ||= at > 0
        throw error
      }
    }
  }

  /** Whether the file is still where it was. */
  async #look(): Promise<void> {
    const { path, clock } = this.#options
    const now = clock.monotonic()
    if (!this.#handle || now - this.#lookedAt < LOOK_INTERVAL) return
    this.#lookedAt = now
    // Why it is not seen does not matter here: opening it anew makes it, or fails with the reason.
    const found = await stat(path, { bigint: true }).catch(() => undefined)
    if (found?.ino !== this.#inode) await this.#release()
    else this.#size = Number(found.size)
  }

  async #rotate(): Promise<void> {
    const { path, clock, log } = this.#options
    if (clock.monotonic() < this.#rotatesFrom) return
    try {
      await rename(path, await backupPath(path, clock.now()))
      await this.#release()
    } catch (error) {
      // Somebody else has taken it away: another one is begun.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return this.#release()
      this.#rotatesFrom = clock.monotonic() + ROTATION_PAUSE
      log.error('the audit log could not be put aside; it grows on', { path, error })
    }
  }

  async #release(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /** One after the other, beside the writing. */
  #tidy(): void {
    const { path, keeping, clock, log } = this.#options
    this.#tidying = this.#tidying
      .then(() => tidyBackups(path, keeping, clock.now()))
      .catch((error: unknown) => log.error('old audit logs could not be tidied up', { path, error }))
  }
}
