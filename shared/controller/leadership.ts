import type { WriteFence } from '../client/write-fence.ts'
import type { Clock } from '../time/clock.ts'

/** The leadership was lost while it was needed: the process must end, because another may have it already. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost'
}

/**
 * Until when this process may write as the leader. Asked by the clock at each write, not told by a timer: a process that stood still (SIGSTOP, a machine that slept)
 * goes on with what it was about to write before any timer runs. Before there is an election everyone may write.
 */
export class Leadership implements WriteFence {
  readonly #clock: Clock
  #isContested = false
  #term: { readonly monotonic: number; readonly wall: number; readonly milliseconds: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From now on who does not lead does not write. */
  contest(): void {
    this.#isContested = true
    this.#term = undefined
  }

  /** Where a renewal that is about to be asked for begins to count: that is the latest moment others may see it as. */
  mark(): { readonly monotonic: number; readonly wall: number } {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() }
  }

  /** The renewal that began there was granted. */
  renewed(mark: { readonly monotonic: number; readonly wall: number }, milliseconds: number): void {
    this.#term = { ...mark, milliseconds }
  }

  end(): void {
    this.#term = undefined
  }

  objection(): Error | undefined {
    if (!this.#isContested) return undefined
    if (this.#term === undefined) return new LeadershipLost('this process does not lead: it writes nothing')
    const { monotonic, wall, milliseconds } = this.#term
    // While a machine sleeps only the wall clock goes on.
    const passed = Math.max(this.#clock.monotonic() - monotonic, this.#clock.now() - wall)
    return passed < milliseconds
      ? undefined
      : new LeadershipLost('the lease was not renewed in time: another may lead, so this process writes nothing')
  }
}
