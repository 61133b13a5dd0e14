import type { IncomingMessage, ServerResponse } from 'node:http'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { ByteBudget, Holding } from '../../shared/limits/byte-budget.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** A body that is coming in. */
interface Incoming {
  readonly begin: number
  size: number
  readonly fail: (error: StatusError) => void
}

export interface BodyWish {
  readonly raw: IncomingMessage
  /** The answer that it will get: until that is over, the body is in memory. */
  readonly response: ServerResponse
  /** Bytes. */
  readonly limit: number
  /** Whose memory it is. */
  readonly owner: string
}

/** How often the pace is looked at, in milliseconds. */
const CHECK_INTERVAL = 1_000

/**
 * Takes bodies in before anything else is spent on their requests: at a pace, and all together within a budget. Who sends one byte a
 * minute holds up a connection of their own and nothing else.
 */
export class BodyIntake {
  readonly budget: ByteBudget
  readonly #clock: Clock
  readonly #incoming = new Set<Incoming>()
  #isChecking = false

  constructor(clock: Clock, budget: ByteBudget) {
    this.#clock = clock
    this.budget = budget
  }

  /** @throws StatusError RequestEntityTooLarge, BadRequest, TooManyRequests, 408 for a body that comes too slowly */
  read({ raw, response, limit, owner }: BodyWish): Promise<Buffer> {
    const announced = Number(raw.headers['content-length'] ?? '0')
    if (announced > limit) return Promise.reject(tooLarge(limit))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let holding: Holding | undefined
      const incoming: Incoming = {
        begin: this.#clock.monotonic(),
        size: 0,
        fail: (error) => {
          this.#incoming.delete(incoming)
          raw.removeListener('data', onData)
          raw.resume()
          chunks.length = 0
          if (holding) this.budget.release(holding)
          reject(error)
        },
      }
      const onData = (chunk: Buffer) => {
        incoming.size += chunk.length
        if (incoming.size > limit) return incoming.fail(tooLarge(limit))
        chunks.push(chunk)
        if (holding) this.budget.grow(holding, chunk.length)
        else holding = this.#hold(owner, chunk.length, incoming, response)
      }
      raw.on('data', onData)
      raw.on('end', () => {
        this.#incoming.delete(incoming)
        resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
      })
      raw.on('error', (cause) => incoming.fail(new StatusError('BadRequest', 'the body of the request ended early', { cause })))
      this.#incoming.add(incoming)
      this.#checkLater()
    })
  }

  #hold(owner: string, bytes: number, incoming: Incoming, response: ServerResponse): Holding {
    const end = () => {
      if (this.#incoming.has(incoming)) incoming.fail(noRoom())
    }
    const holding = this.budget.hold(owner, bytes, end)
    response.once('close', () => this.budget.release(holding))
    return holding
  }

  #checkLater(): void {
    if (this.#isChecking) return
    this.#isChecking = true
    this.#clock.after(CHECK_INTERVAL, () => {
      this.#isChecking = false
      const now = this.#clock.monotonic()
      for (const incoming of this.#incoming) if (isTooSlow(incoming.size, now - incoming.begin)) incoming.fail(tooSlow())
      if (this.#incoming.size > 0) this.#checkLater()
    })
  }
}

function isTooSlow(bytes: number, milliseconds: number): boolean {
  const { bodyGraceSeconds, bodyBytesPerSecond, bodySeconds } = inputLimits
  const seconds = milliseconds / 1000
  return seconds > bodySeconds || bytes < (seconds - bodyGraceSeconds) * bodyBytesPerSecond
}

function tooLarge(limit: number): StatusError {
  return new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)
}

function tooSlow(): StatusError {
  const { bodyGraceSeconds, bodyBytesPerSecond, bodySeconds } = inputLimits
  const pace = `${bodyBytesPerSecond} bytes a second after the first ${bodyGraceSeconds} seconds, and be whole after ${bodySeconds}`
  return new StatusError('Unknown', `the body of the request came too slowly: it must come with ${pace}`, { code: 408, details: {} })
}

function noRoom(): StatusError {
  return new StatusError('TooManyRequests', 'too many large bodies are waiting to be worked on; please try again later', {
    details: { retryAfterSeconds: 1 },
  })
}
