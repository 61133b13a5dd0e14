import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { WorkerNews, WorkerTask } from './fuzz-worker.ts'
import { currentInput, SHARED_BYTES } from './shared-input.ts'

export interface FuzzOptions {
  readonly name: string
  readonly seconds: number
  readonly seed: number
  /** Milliseconds after which an input has hung. */
  readonly patience?: number
  /** Megabytes of heap that the reader may fill. */
  readonly heap?: number
}

/** What a run comes to. */
export interface FuzzResult {
  readonly inputs: number
  /** Parts of the code reached. */
  readonly parts: number
  /** Inputs that reached something new. */
  readonly kept: readonly Buffer[]
  /** Milliseconds of the slowest input. */
  readonly slowest: number
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly input: Buffer
  readonly why: string
}

/** Generous, because the machine may be busy. */
const PATIENCE = 20_000
const HEAP = 512
/** One fault is often met again and again. */
const MOST_FINDINGS = 5

/** Feeds one reader for a while. Inputs that hang or exhaust memory end the run, because their thread is lost. */
export function runTarget({ name, seconds, seed, patience = PATIENCE, heap = HEAP }: FuzzOptions): Promise<FuzzResult> {
  const shared = new SharedArrayBuffer(SHARED_BYTES)
  const task: WorkerTask = { name, seconds, seed, shared }
  const worker = new Worker(join(import.meta.dirname, 'fuzz-worker.ts'), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: heap },
  })
  const input = currentInput(shared)
  const findings: Finding[] = []
  let done = { inputs: 0, parts: 0, kept: [] as Buffer[], slowest: 0 }
  let last = -1
  return new Promise((resolve, reject) => {
    const watch = setInterval(() => {
      const { count, isBusy, bytes } = input.look()
      if (!isBusy || count !== last) {
        last = isBusy ? count : -1
        return
      }
      findings.push({ input: bytes, why: `it was not read within ${patience / 1000} s` })
      void worker.terminate()
    }, patience)
    worker.on('message', (news: WorkerNews) => {
      if (news.kind === 'done') done = { ...news, kept: news.kept.map((each) => Buffer.from(each)) }
      else if (findings.length < MOST_FINDINGS) findings.push({ input: Buffer.from(news.input), why: news.error })
    })
    worker.on('error', (error) => {
      const { count, isBusy, bytes } = input.look()
      if (count === 0 || !isBusy) reject(error)
      else findings.push({ input: bytes, why: `the thread died of it: ${error.stack ?? error.message}` })
    })
    worker.on('exit', () => {
      clearInterval(watch)
      const { count } = input.look()
      resolve({ ...done, inputs: Math.max(done.inputs, count), findings })
    })
  })
}
