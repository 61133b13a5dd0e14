import { createHook } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, sleepBy, type Timer } from '../../shared/time/clock.ts'

/** Virtual time: it stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves time forward, running each timer that falls due at its own moment and in order, and letting everything
   * it caused settle before the next one.
   */
  advance(milliseconds: number): Promise<void>
  /** Time goes on and no timer runs, as for a process that stands still; those that fell due run with the next `advance`. */
  jump(milliseconds: number): void
  /** Lets all work that needs no time finish: promises, immediate callbacks, file operations, and whatever `whileBusy` counts. */
  settle(): Promise<void>
  /** Adds a reason for `settle` to go on waiting (requests in flight in another part of the process). */
  whileBusy(busy: () => boolean): void
  /** Timers that wait, soonest first; for tests of "nothing is left behind". */
  readonly pending: readonly { at: number }[]
}

interface Waiting {
  at: number
  order: number
  repeat: number | undefined
  action: () => void
}

/** Turns of the event loop that must pass without a reason to wait before we believe that all is quiet. */
const QUIET_TURNS = 12
/** Real time after which work that needs no virtual time must have ended. */
const LONGEST_MILLISECONDS = 20_000

/** Makes a clock that starts at `start` (default: 1 January 2030, 00:00 UTC). */
export function manualClock(start = Date.UTC(2030, 0, 1)): ManualClock {
  let now = start
  let order = 0
  const waiting = new Set<Waiting>()
  const probes = [touchesFiles, signsOrVerifies()]

  const add = (milliseconds: number, action: () => void, repeat?: number): Timer => {
    const timer = { at: now + Math.max(0, milliseconds), order: order++, repeat, action }
    waiting.add(timer)
    return { cancel: () => void waiting.delete(timer) }
  }
  const soonest = () => [...waiting].sort((a, b) => a.at - b.at || a.order - b.order)
  const settle = async () => {
    let quiet = 0
    const began = performance.now()
    while (quiet < QUIET_TURNS) {
      if (performance.now() - began > LONGEST_MILLISECONDS) throw new Error('the work never settles: something is busy without end')
      await nextTurn()
      quiet = probes.some((busy) => busy()) ? 0 : quiet + 1
    }
  }
  return {
    // Whole, as the machine's is, though timers are set for fractions.
    now: () => Math.floor(now),
    monotonic: () => now - start,
    after: (milliseconds, action) => add(milliseconds, action),
    every: (milliseconds, action) => add(milliseconds, action, Math.max(1, milliseconds)),
    sleep: sleepBy(add),
    get pending() {
      return soonest()
    },
    whileBusy: (busy) => void probes.push(busy),
    settle,
    jump(milliseconds) {
      now += milliseconds
    },
    async advance(milliseconds) {
      const end = now + milliseconds
      await settle()
      for (let next = soonest()[0]; next && next.at <= end; next = soonest()[0]) {
        now = Math.max(now, next.at)
        if (next.repeat === undefined) waiting.delete(next)
        else {
          next.at = now + next.repeat
          next.order = order++
        }
        next.action()
        await settle()
      }
      now = end
    },
  }
}

/** Signatures are made and checked in other threads, and are in no list of what is under way: they are counted as they begin and end. */
function signsOrVerifies(): () => boolean {
  cryptography ??= countCryptography()
  const { pending } = cryptography
  return () => pending.size > 0
}

let cryptography: { pending: ReadonlySet<number> } | undefined

function countCryptography() {
  const pending = new Set<number>()
  const ended = (id: number) => void pending.delete(id)
  const callbacks = {
    init: (id: number, type: string) => void (/^(SIGN|VERIFY|HASH|KEY|CIPHER)\w*REQUEST$/.test(type) && pending.add(id)),
    ...{ after: ended, destroy: ended },
    // Every promise of a cluster would pass through here.
    trackPromises: false,
  }
  createHook(callbacks).enable()
  return { pending }
}

/** Files are read in other threads too: there is nothing else in a simulated cluster that real time must pass for. */
function touchesFiles(): boolean {
  // A file that was read is closed before its reader is told: that is a request of a kind of its own.
  return process.getActiveResourcesInfo().some((kind) => kind.startsWith('FSReq') || kind === 'CloseReq')
}
