/** The thread that feeds inputs: what hangs or eats memory here is stopped from outside, and the last input is known there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../../shared/random/random.ts'
import { Coverage } from './coverage.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { below, mutate } from './mutate.ts'
import { currentInput } from './shared-input.ts'

/** What a worker is started with. */
export interface WorkerTask {
  readonly name: string
  readonly seconds: number
  readonly seed: number
  readonly shared: SharedArrayBuffer
}

/** What it says at the end, or when something was found. */
export type WorkerNews =
  | { readonly kind: 'found'; readonly input: Uint8Array; readonly error: string }
  | {
      readonly kind: 'done'
      readonly inputs: number
      readonly kept: readonly Uint8Array[]
      readonly parts: number
      readonly slowest: number
    }

const SMALLEST_BATCH = 16
const LARGEST_BATCH = 512
const { name, seconds, seed, shared } = workerData as WorkerTask
const { default: target } = (await import(`./targets/${name}.ts`)) as { default: FuzzTarget }
await target.prepare?.()
const coverage = new Coverage()
const random = seededRandom(seed)
const input = currentInput(shared)
const words = (target.words ?? []).map((word) => Buffer.from(word as string))
const corpus = [...target.seeds.map((each) => Buffer.from(each as string)), ...keptSeeds(name)]
const kept: Buffer[] = []
let inputs = 0
let slowest = 0

for (const each of corpus) await feed(each)
if (!target.isBlind) coverage.start()
for (const each of corpus) await feed(each)
if (!target.isBlind) coverage.take()

let size = SMALLEST_BATCH
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  const batch: Buffer[] = []
  while (batch.length < size && performance.now() < end) {
    const made = next()
    batch.push(made)
    await feed(made)
  }
  if (target.isBlind) continue
  // Looking at the coverage costs what a few inputs do: seldom, where seldom anything is new.
  const fresh = coverage.take()
  size = fresh > 0 ? SMALLEST_BATCH : Math.min(2 * size, LARGEST_BATCH)
  if (fresh === 0) continue
  // Something new was reached: once more one by one, to know by which.
  for (const each of batch) {
    await feed(each)
    if (coverage.take() > 0) keep(each)
  }
}
post({ kind: 'done', inputs, kept, parts: coverage.size, slowest })
coverage.stop()
process.exit()

function next(): Buffer {
  if (target.generate && random.fraction() < 0.3) return target.generate(random)
  const from = corpus[below(random, corpus.length)] ?? Buffer.alloc(0)
  return mutate(from, corpus, words, random).subarray(0, target.longest ?? 4096)
}

function keep(bytes: Buffer): void {
  corpus.push(bytes)
  kept.push(bytes)
}

async function feed(bytes: Buffer): Promise<void> {
  input.begin(bytes)
  const start = performance.now()
  try {
    const work = target.run(Buffer.from(bytes))
    if (work) await work
  } catch (error) {
    if (!target.isExpected(error))
      post({ kind: 'found', input: bytes, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
  slowest = Math.max(slowest, performance.now() - start)
  input.end()
  inputs++
}

function keptSeeds(of: string): Buffer[] {
  const folder = join(import.meta.dirname, 'seeds', of)
  try {
    return readdirSync(folder)
      .sort()
      .map((file) => readFileSync(join(folder, file)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function post(news: WorkerNews): void {
  parentPort!.postMessage(news)
}
