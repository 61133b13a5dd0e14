import assert from 'node:assert/strict'

/** Milliseconds of CPU that a megabyte of request may cost on a machine where JSON.parse takes `PARSE` for it. */
const PER_MEGABYTE = 100
/** What reading a megabyte of many small values plainly takes on the machine that the bound was set on. */
const PARSE = 12
/** Below this the clock and a collection of garbage are all that is measured. Milliseconds. */
const FLOOR = 40
const ATTEMPTS = 4
const MEGABYTE = 1_000_000

const sample = JSON.stringify(Array.from({ length: 40_000 }, (_, index) => ({ name: `n${index}`, v: [index] })))

/** Holds the work of requests against their size. A busy machine is slower with a plain JSON.parse too, and is given as much more. */
export class CpuBudget {
  #worst = { what: 'nothing', share: 0, milliseconds: 0 }
  #requests = 0

  /** Repeats what seems too dear: garbage of others is collected at any time, but not every time. */
  async measure<T>(what: string, request: { bytes: number; body: string }, send: () => Promise<T>, perMegabyte = PER_MEGABYTE): Promise<T> {
    const { bytes, body } = request
    for (let attempt = 1; ; attempt++) {
      const start = process.cpuUsage()
      const answer = await send()
      const milliseconds = spent(start)
      const allowed = Math.max(FLOOR, (perMegabyte * bytes) / MEGABYTE)
      this.#requests++
      // Calibrated only when it matters.
      const share = milliseconds <= allowed ? milliseconds / allowed : milliseconds / (allowed * slowness(body))
      if (share > 1 && attempt < ATTEMPTS) continue
      if (share > this.#worst.share) this.#worst = { what, share, milliseconds }
      assert.ok(
        share <= 1,
        `${what}: ${milliseconds.toFixed(0)} ms of CPU for ${bytes} bytes, ${(share * perMegabyte).toFixed(0)} ms a megabyte on a calm machine`,
      )
      return answer
    }
  }

  summary(): string {
    const { what, share, milliseconds } = this.#worst
    return `${this.#requests} requests; the dearest took ${(share * 100).toFixed(0)} % of what it may, ${milliseconds.toFixed(0)} ms: ${what}`
  }
}

/** How much longer plain reading takes here and now than it should: of the body itself, or of a sample where that is no JSON. */
function slowness(body: string): number {
  const start = process.cpuUsage()
  let text = body.length > MEGABYTE / 10 ? body : sample
  try {
    JSON.parse(text)
  } catch {
    text = sample
    JSON.parse(sample)
  }
  return Math.max(1, spent(start) / ((PARSE * text.length) / MEGABYTE))
}

function spent(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}
