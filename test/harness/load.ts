import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadTarget } from './load-connection.ts'

interface LoadOptions {
  readonly target: LoadTarget
  readonly connections: number
  /** Requests altogether; rounds of each writer for `conflict`; events on each connection for `watch`. */
  readonly count: number
  readonly path: string
}

/** What a load generator does: closed loops over kept connections. */
export type LoadJob =
  | (LoadOptions & { readonly kind: 'requests'; readonly method: string; readonly body: string; readonly first: number })
  | (LoadOptions & { readonly kind: 'conflict' })
  | (LoadOptions & { readonly kind: 'watch' })

export interface LoadResult {
  readonly count: number
  readonly seconds: number
  /** Milliseconds of one request (or round): median and 99th percentile. */
  readonly median: number
  readonly slow: number
}

const worker = fileURLToPath(new URL('./load-worker.ts', import.meta.url))

/** Load under way in a process of its own. */
export interface RunningLoad {
  /** Resolves when watches are about to be opened. */
  readonly ready: Promise<unknown>
  readonly result: Promise<LoadResult>
  /** Ends it where it is; `result` rejects. */
  stop(): void
}

export function startLoad(job: LoadJob): RunningLoad {
  const child = fork(worker, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.send(job)
  return { ready: once(child, 'message'), result: resultOf(child), stop: () => void child.kill('SIGKILL') }
}

export const runLoad = (job: LoadJob): Promise<LoadResult> => startLoad(job).result

function resultOf(child: ChildProcess): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if (typeof message === 'object') resolve(message as LoadResult)
    })
    child.on('exit', (code) => reject(new Error(`the load generator ended with ${code}`)))
  })
}
