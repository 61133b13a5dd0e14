import type { Clock, Timer } from '../time/clock.ts'

/**
 * Keys that need attention. A key waits at most once; while it is being worked on, a new mark is kept until that work is done, so
 * no key is ever worked on twice at the same time and no mark is lost.
 */
export interface WorkQueue {
  add(key: string): void
  /** Adds it later; the earliest of several wishes wins. */
  addAfter(key: string, milliseconds: number): void
  /** The next key, now or when there is one; undefined once the queue is shut. Each key taken must be given back by `done`. */
  take(): Promise<string | undefined>
  done(key: string): void
  /** Keys that wait now (not those in work or put off). */
  readonly length: number
  /** Wakes all takers with undefined; later additions are ignored. */
  shut(): void
}

/** Makes an empty queue. */
export function createWorkQueue(clock: Clock): WorkQueue {
  const ready: string[] = []
  const marked = new Set<string>()
  const inWork = new Set<string>()
  const putOff = new Map<string, { at: number; timer: Timer }>()
  const takers: ((key: string | undefined) => void)[] = []
  let head = 0
  let isShut = false

  const push = (key: string) => {
    const taker = takers.shift()
    if (!taker) return void ready.push(key)
    begin(key)
    taker(key)
  }
  const begin = (key: string) => {
    marked.delete(key)
    inWork.add(key)
  }
  const add = (key: string) => {
    if (isShut || marked.has(key)) return
    marked.add(key)
    if (!inWork.has(key)) push(key)
  }
  return {
    add,
    addAfter(key, milliseconds) {
      if (isShut) return
      if (milliseconds <= 0) return add(key)
      const at = clock.monotonic() + milliseconds
      const known = putOff.get(key)
      if (known && known.at <= at) return
      known?.timer.cancel()
      const timer = clock.after(milliseconds, () => {
        putOff.delete(key)
        add(key)
      })
      putOff.set(key, { at, timer })
    },
    async take() {
      if (isShut) return undefined
      const key = ready[head]
      if (key === undefined) return new Promise((resolve) => takers.push(resolve))
      head++
      if (head > 1024 && head * 2 > ready.length) {
        ready.splice(0, head) // forget what was taken, in few and large steps
        head = 0
      }
      begin(key)
      return key
    },
    done(key) {
      inWork.delete(key)
      if (!isShut && marked.has(key)) push(key)
    },
    get length() {
      return ready.length - head
    },
    shut() {
      isShut = true
      for (const { timer } of putOff.values()) timer.cancel()
      putOff.clear()
      for (const taker of takers.splice(0)) taker(undefined)
    },
  }
}
