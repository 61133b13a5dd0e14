import type { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type Answer, type Asking, NoAnswer, type Patience, type Request } from '../backends/ask.ts'
import { askOverHttp1 } from '../backends/ask-http1.ts'
import { askOverHttp2 } from '../backends/ask-http2.ts'
import type { Backend } from '../backends/backend.ts'
import type { Endpoint } from '../backends/endpoint.ts'
import type { FrontRequest, Question } from './exchange.ts'
import { type Origin, requestHeaders, wantsTrailers } from './headers.ts'

/** What forwarding is done with. */
export interface ForwardTools {
  readonly clock: Clock
  readonly random: Random
  readonly trusted: readonly IpRange[]
}

/** A request on its way to a backend. */
export interface Errand {
  readonly request: FrontRequest
  readonly question: Question
  readonly origin: Origin
  readonly backend: Backend
  readonly patience: Patience
  /** 0: no bound. */
  readonly maxBodyBytes: number
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal
}

/** An answer that a Pod has begun. */
export interface Answered<T> {
  readonly answer: T
  readonly endpoint: Endpoint
  readonly tries: number
  /** The errand is over: call it once. */
  release(): void
}

/** There is no answer to give, and why. */
export class NotForwarded extends Error {
  override readonly name = 'NotForwarded'
  readonly status: number
  readonly tries: number

  constructor(status: number, message: string, tries: number, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.tries = tries
  }
}

/** How many Pods are asked before it is given up. */
const MOST_TRIES = 3
/** Methods that only read (RFC 9110 §9.2.1). */
const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/**
 * Finds a Pod that answers, the least busy first. Another one is asked where the first could not be reached, or, for requests that only read,
 * where the connection broke before any byte of an answer; everything else might be done twice.
 * @throws NotForwarded
 */
export function forward(errand: Errand, tools: ForwardTools): Promise<Answered<Answer>> {
  const { backend, patience } = errand
  return forwardBy(errand, tools, (endpoint, request, isFresh) => ask(backend, endpoint, request, { ...tools, patience, isFresh }))
}

/** The same for other ways to ask. @throws NotForwarded */
export async function forwardBy<T>(
  errand: Errand,
  tools: ForwardTools,
  askOne: (endpoint: Endpoint, request: Request, isFresh: boolean) => { readonly answer: Promise<T>; abort(): void },
): Promise<Answered<T>> {
  const { backend, gone } = errand
  const body = new BodyCount(errand.maxBodyBytes)
  const request = requestFor(errand, tools, body)
  const tried = new Set<Endpoint>()
  let isFresh = false
  for (let tries = 1; ; tries++) {
    const endpoint = backend.pick(tried, tools.clock.monotonic(), tools.random)
    if (!endpoint) throw new NotForwarded(503, backend.problem ?? 'no Pod could be reached', tries - 1)
    tried.add(endpoint)
    const release = endpoint.begin()
    let abort = () => {}
    try {
      const asking = askOne(endpoint, request, isFresh)
      abort = () => asking.abort()
      gone.addEventListener('abort', abort, { once: true })
      body.whenTooLong = abort
      return { answer: await asking.answer, endpoint, tries, release }
    } catch (error) {
      release()
      gone.removeEventListener('abort', abort)
      if (!(error instanceof NoAnswer)) throw error
      if (body.isTooLong) throw new NotForwarded(413, `the body has more than ${errand.maxBodyBytes} bytes`, tries)
      if (gone.aborted) throw new NotForwarded(499, 'the client went away', tries)
      if (!error.isSent) backend.avoid(endpoint, tools.clock.monotonic())
      // Not the Pod's fault: it had closed a connection that was free.
      else if (error.isReused) tried.delete(endpoint)
      isFresh = error.isReused
      const mayRepeat = !error.isSent || (request.isRepeatable && !error.isBegun && !error.isTimeout)
      const isAnother = backend.pick(tried, tools.clock.monotonic(), tools.random) !== undefined
      if (!mayRepeat || !isAnother || tries === MOST_TRIES) throw notForwarded(error, errand, tries)
    }
  }
}

function notForwarded(error: NoAnswer, { question, request }: Errand, tries: number): NotForwarded {
  if (!error.isTimeout) return new NotForwarded(502, `the Pod gave no answer: ${error.message}`, tries, error)
  if (error.isSent && question.hasBody && !request.complete) {
    return new NotForwarded(408, 'the body of the request came too slowly', tries, error)
  }
  return new NotForwarded(504, `the Pod gave no answer: ${error.message}`, tries, error)
}

interface AskTools {
  readonly clock: Clock
  readonly patience: Patience
  readonly isFresh: boolean
}

function ask(backend: Backend, endpoint: Endpoint, request: Request, tools: AskTools): Asking {
  return backend.protocol === 'h2c' ? askOverHttp2(endpoint, request, tools) : askOverHttp1(endpoint, request, tools, tools)
}

function requestFor({ request, question, origin, backend }: Errand, { trusted }: ForwardTools, body: BodyCount): Request {
  const headers = requestHeaders(request.rawHeaders, origin, trusted)
  if (backend.protocol === 'h2c' && wantsTrailers(request.rawHeaders)) headers['te'] = 'trailers'
  const { method, target, hasBody } = question
  return {
    ...{ method, target, headers, body: hasBody ? request : undefined, isRepeatable: !hasBody && SAFE.includes(method) },
    onBody: (bytes) => body.add(bytes),
  }
}

/** Counts a body that does not say its length; one that says it was looked at before. */
class BodyCount {
  readonly #most: number
  #bytes = 0
  isTooLong = false
  whenTooLong = () => {}

  constructor(most: number) {
    this.#most = most
  }

  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#most === 0 || this.isTooLong || this.#bytes <= this.#most) return
    this.isTooLong = true
    this.whenTooLong()
  }
}
