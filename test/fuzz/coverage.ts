import { Session } from 'node:inspector'

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}
interface Script {
  readonly scriptId: string
  readonly url: string
  readonly functions: readonly { readonly ranges: readonly Range[] }[]
}

/** Which parts of the house's code have run, how often by powers of two: what V8 counts for each block. */
export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Set<string>()

  start(): void {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.take()
  }

  /** Parts seen for the first time since the last look. */
  take(): number {
    let fresh = 0
    for (const { scriptId, url, functions } of this.#scripts()) {
      if (!url.startsWith('file:') || url.includes('/node_modules/') || url.includes('/test/')) continue
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count === 0) continue
          const part = `${scriptId}:${startOffset}:${endOffset}:${Math.min(5, Math.floor(Math.log2(count)))}`
          if (this.#seen.has(part)) continue
          this.#seen.add(part)
          fresh++
        }
      }
    }
    return fresh
  }

  get size(): number {
    return this.#seen.size
  }

  stop(): void {
    this.#session.disconnect()
  }

  /** The session of the own thread answers before `post` returns. */
  #scripts(): readonly Script[] {
    let scripts: readonly Script[] = []
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error
      scripts = answer.result
    })
    return scripts
  }
}
