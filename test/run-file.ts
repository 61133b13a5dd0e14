import { readdirSync, readFileSync } from 'node:fs'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long after a file's time its process may take to end by itself: the test that hung has failed by then, those after it may still run. */
const GRACE = 60_000

/** Counts of `test:summary`. */
export interface Counts {
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly cancelled: number
  readonly skipped: number
  readonly todo: number
}
const NONE: Counts = { tests: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 }

/** One file's run in a process of its own. */
export interface FileRun {
  readonly file: string
  /** Everything a reporter is told of it, once it has ended; without the sums. */
  readonly events: Promise<TestEvent[]>
  /** Milliseconds until now or until it ended. */
  took(): number
  /** The test that it is at. */
  at(): string | undefined
  counts(): Counts
  passed(): boolean
}

/**
 * Runs one file. A test that takes longer than `milliseconds` fails. That does not end the file's process where something still runs in it, and
 * the end of the process does not end what it started: a minute later the process is killed, and whoever still holds its output is left alone.
 */
export function runFile(file: string, milliseconds: number): FileRun {
  const began = performance.now()
  let ended: number | undefined
  let counts = NONE
  let passed = true
  const open = new Map<string, string>()
  const overdue = new AbortController()

  async function collect(): Promise<TestEvent[]> {
    const collected: TestEvent[] = []
    for await (const event of run({ files: [file], timeout: milliseconds, signal: overdue.signal })) {
      const { type, data } = event
      if (type === 'test:summary' && data.file === undefined) counts = data.counts
      if (type === 'test:fail' && data.skip === undefined && data.todo === undefined) passed = false
      if ('name' in data && data.name !== file) {
        const key = `${data.nesting} ${data.name}`
        if (type === 'test:dequeue') open.set(key, data.name)
        if (type === 'test:complete') open.delete(key)
      }
      // Sums have no file.
      if (data.file !== undefined) collected.push(event)
    }
    return collected
  }

  async function collectInTime(): Promise<TestEvent[]> {
    const inTime = new AbortController()
    const late = sleep(milliseconds + GRACE, undefined, { signal: inTime.signal }).then(
      () => {
        for (const pid of childrenThatRun(file)) process.kill(pid, 'SIGKILL')
        overdue.abort(
          new Error(`${file} has not ended ${GRACE / 1000} s after the time of its tests; it was at: ${[...open.values()].join(' › ')}`),
        )
      },
      () => {},
    )
    try {
      return await collect()
    } finally {
      ended = performance.now()
      inTime.abort()
      await late
    }
  }

  return {
    file,
    events: collectInTime(),
    took: () => (ended ?? performance.now()) - began,
    at: () => [...open.values()].join(' › ') || undefined,
    counts: () => counts,
    passed: () => passed,
  }
}

/** Numbers of this process's children that have `file` among their words. */
function childrenThatRun(file: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // The name in brackets may hold anything; state and parent follow it.
        const [, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /s, '')
          .split(' ')
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(file)
      } catch {
        return false // it has ended
      }
    })
    .map(Number)
}
