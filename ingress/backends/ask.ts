import type { Readable } from 'node:stream'
import type { Headers } from '../front/headers.ts'

/** A request as a Pod gets it. */
export interface Request {
  readonly method: string
  readonly target: string
  readonly headers: Headers
  /** Undefined: there is none. Not touched before there is a connection, so that another Pod can be asked when there is none. */
  readonly body: Readable | undefined
  /** Told of each part of the body that goes out. */
  readonly onBody: (bytes: number) => void
  /** Asking twice does no harm. */
  readonly isRepeatable: boolean
}

/** The head of a Pod's answer, and its body as it comes. */
export interface Answer {
  readonly status: number
  readonly statusMessage?: string | undefined
  readonly headers: Headers
  readonly body: Readable
  /** That was all: no body and no trailers come. */
  readonly isHeadOnly: boolean
  /** Known when the body has ended. */
  trailers(): Headers
}

export interface Patience {
  /** Milliseconds until a connection is there. */
  readonly connect: number
  /** Milliseconds of silence before the answer begins. */
  readonly answer: number
  /** Milliseconds of silence within it. */
  readonly idle: number
}

/** Why there is no answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** The request, or a part of it, went out. */
  readonly isSent: boolean
  /** Something came back, and then no more. */
  readonly isBegun: boolean
  readonly isTimeout: boolean
  /** It was asked on a connection from before, which the Pod may have been about to close. */
  readonly isReused: boolean

  constructor(message: string, how: Pick<NoAnswer, 'isSent' | 'isBegun' | 'isTimeout' | 'isReused'>, cause?: unknown) {
    super(message, { cause })
    this.isSent = how.isSent
    this.isBegun = how.isBegun
    this.isTimeout = how.isTimeout
    this.isReused = how.isReused
  }
}

/** A request under way. */
export interface Asking {
  /** @throws NoAnswer */
  readonly answer: Promise<Answer>
  /** Ends it, whatever state it is in. Idempotent. */
  abort(): void
}
