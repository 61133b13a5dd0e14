import type { Logger } from '../logging/logger.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { readConfigText } from './config-file.ts'

/** Milliseconds between two looks at the file. */
const LOOK_INTERVAL = 10_000

export interface FollowedFileOptions {
  readonly path: string
  /** What it is, as the log says it: `encryption configuration`. */
  readonly what: string
  readonly clock: Clock
  readonly log: Logger
}

/** What is done with a file that has changed. */
export interface FileFollower {
  /** Reads the file and takes it into use. @throws Error for one that is wrong: then the one before is to be in force */
  use(path: string): Promise<void>
  /** Whether that was done; of a file that stays wrong in the same way once. */
  told(isTaken: boolean): void
}

/** A configuration file that may change while its program runs. */
export class FollowedFile {
  readonly #options: FollowedFileOptions
  #text: string | undefined
  /** The last failure that was told. */
  #told = ''
  #timer: Timer | undefined
  #looking: Promise<void> | undefined

  constructor(options: FollowedFileOptions) {
    this.#options = options
  }

  /** The first time. @throws ConfigError when it cannot be read; what `use` throws */
  async load(use: FileFollower['use']): Promise<void> {
    await this.#take(await readConfigText(this.#options.path), use)
  }

  /** Looks at it from now on. */
  follow(follower: FileFollower): void {
    this.#timer = this.#options.clock.every(LOOK_INTERVAL, () => {
      this.#looking ??= this.#look(follower).finally(() => {
        this.#looking = undefined
      })
      return this.#looking
    })
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#looking
  }

  /** A file that is wrong is told once. Never throws. */
  async #look({ use, told }: FileFollower): Promise<void> {
    const { path, what, log } = this.#options
    try {
      const text = await readConfigText(path)
      if (text === this.#text) return
      await this.#take(text, use)
      this.#told = ''
      log.info(`the ${what} was reloaded`, { path })
      told(true)
    } catch (error) {
      if (String(error) === this.#told) return
      this.#told = String(error)
      told(false)
      log.error(`the ${what} changed and is not taken into use; the one before stays in force`, { path, error })
    }
  }

  /** The text is from before `use` reads: what is written in between is seen at the next look. */
  async #take(text: string, use: FileFollower['use']): Promise<void> {
    await use(this.#options.path)
    this.#text = text
  }
}
