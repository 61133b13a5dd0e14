import type { Clock, Timer } from '../../shared/time/clock.ts'
import type { ManualClock } from '../time/manual-clock.ts'

/** How a fork's time passes. */
export interface Pace {
  /** The fork's time, in milliseconds since the epoch. */
  readonly time: number
  /** How much of it has passed since the copy was made, in milliseconds. */
  readonly passed: number
  /** Seconds of the fork for each second outside; 0: it stands still. */
  readonly speed: number
}

/** Lets virtual time pass beside real time: at a speed, or in jumps. One thing moves it at a time. */
export interface Pacer {
  readonly pace: Pace
  setSpeed(speed: number): void
  /** Moves it by so many milliseconds at once; resolves when everything that this caused has come to rest. */
  jump(milliseconds: number): Promise<void>
  /** Ends what moves it now, within a stride; afterwards nothing does. */
  stop(): Promise<void>
}

/** Faster than this, everything is a jump. */
export const MOST_SPEED = 10_000
/** Milliseconds of one jump: steps of years would keep the process busy for good. */
export const LONGEST_JUMP = 366 * 24 * 3_600_000
/** How often virtual time follows real time, in milliseconds of the latter. */
const TICK = 20
/** How far time goes at once, in milliseconds: whoever wants to leave does not wait for the end of a long jump. */
const STRIDE = 60_000

/** @param fail is told when the fork cannot go on: something in it is busy without end */
export function createPacer(clock: ManualClock, outside: Clock, fail: (error: unknown) => void): Pacer {
  const start = clock.now()
  let speed = 0
  let seen = outside.monotonic()
  let isMoving = false
  let isOver = false
  let moving: Promise<void> = Promise.resolve()
  let ticking: Timer | undefined
  const advance = async (milliseconds: number) => {
    let left = milliseconds
    do {
      await clock.advance(Math.min(left, STRIDE))
      left -= STRIDE
    } while (left > 0 && !isOver)
  }
  const move = (milliseconds: number): Promise<void> => {
    const moved = moving.then(() => advance(milliseconds))
    moving = moved.catch(() => {}) // who asked for it is told
    return moved
  }
  const tick = () => {
    // What a step took longer than the step is not made up for: the fork would never come to rest again.
    if (isMoving) return
    const now = outside.monotonic()
    const due = Math.min(now - seen, 10 * TICK) * speed
    seen = now
    isMoving = true
    void move(due)
      .catch(fail)
      .finally(() => {
        isMoving = false
        seen = outside.monotonic()
      })
  }
  return {
    get pace() {
      return { time: clock.now(), passed: clock.now() - start, speed }
    },
    setSpeed(wanted) {
      speed = wanted
      seen = outside.monotonic()
      if (speed === 0) {
        ticking?.cancel()
        ticking = undefined
      } else ticking ??= outside.every(TICK, tick)
    },
    jump: move,
    async stop() {
      this.setSpeed(0)
      isOver = true
      await moving
    },
  }
}
