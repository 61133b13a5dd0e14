import { readFile } from 'node:fs/promises'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Process, send, treeOf } from '../kubelet/runtime/process-tree.ts'

/** How long a file may take. Milliseconds. */
export interface Limits {
  /** Each test. */
  readonly test: number
  /** From then on until the process must have ended: the test that hung has failed by then, those after it may still run. */
  readonly grace: number
  /** From when the process has nothing more to do until it must have ended. */
  readonly exit: number
}

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
 * Runs one file. A test that takes too long fails. That does not end the file's process where something still runs in it, and
 * the end of the process does not end what it started: a while later the process is killed, and whoever still holds its output is left alone.
 * A process that had nothing more to do has said how its tests went: if it does not end then (node's own end may hang), that counts.
 */
export function runFile(file: string, limits: Limits): FileRun {
  const began = performance.now()
  let ended: number | undefined
  let counts = NONE
  let passed = true
  let isToldAll = false
  const open = new Map<string, string>()
  const at = () => [...open.values()].join(' › ') || undefined
  const stop = new AbortController()
  const waits = new AbortController()
  /** Ends what has not ended when the time is over. */
  const endAfter = (patience: number, why: string) =>
    sleep(patience, undefined, { signal: waits.signal }).then(
      async () => {
        const processes = await processesOf(file)
        const left = (await Promise.all(processes.map(wordsOf))).map((words) => words.slice(-200)).join('; ')
        stop.abort(new Error(`${file} ${why}; it was at: ${at() ?? 'no test'}; its processes: ${left}`))
        for (const one of processes) send(one, 'SIGKILL')
      },
      () => {},
    )

  async function collect(): Promise<TestEvent[]> {
    const collected: TestEvent[] = []
    const late = [endAfter(limits.test + limits.grace, `has not ended ${limits.grace / 1000} s after the time of its tests`)]
    for await (const event of run({ files: [file], timeout: limits.test, signal: stop.signal })) {
      const { type, data } = event
      if (type === 'test:summary' && !isToldAll) {
        counts = data.counts
        isToldAll = data.file !== undefined
        if (isToldAll) late.push(endAfter(limits.exit, `has told all and not ended within ${limits.exit / 1000} s`))
      } else if (isToldAll && stop.signal.aborted && 'name' in data && data.name === file) {
        if (type === 'test:fail') process.stdout.write(`# ${(stop.signal.reason as Error).message}\n`)
        continue
      }
      if (type === 'test:fail' && data.skip === undefined && data.todo === undefined) passed = false
      if ('name' in data && data.name !== file) {
        const key = `${data.nesting} ${data.name}`
        if (type === 'test:dequeue') open.set(key, data.name)
        if (type === 'test:complete') open.delete(key)
      }
      // Sums have no file.
      if (data.file !== undefined) collected.push(event)
    }
    ended = performance.now()
    waits.abort()
    await Promise.all(late)
    return collected
  }

  return {
    ...{ file, at, events: collect() },
    took: () => (ended ?? performance.now()) - began,
    counts: () => counts,
    passed: () => passed,
  }
}

/** This process's children that have `file` as their last word, and all that descends from them. */
async function processesOf(file: string): Promise<Process[]> {
  const own = (await treeOf([process.pid])).filter(({ parent }) => parent === process.pid)
  const words = await Promise.all(own.map(wordsOf))
  return treeOf(own.flatMap(({ pid }, index) => (words[index]?.endsWith(` ${file}`) ? pid : [])))
}

/** The command line; empty for one that has ended. */
async function wordsOf({ pid }: Process): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.replaceAll('\0', ' ').trim()
}
