import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Random } from '../../shared/random/random.ts'
import { collectAnswer } from '../../shared/streams/collect-answer.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseJson } from '../http/body.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { DialRule } from './dialable-address.ts'
import { dialFailure, isUnreached } from './hook-failure.ts'
import { type HookAddress, placesOf, type ReachablePlace, shownUrl, urlOf } from './hook-place.ts'

export type { HookAddress } from './hook-place.ts'

export interface HookQuestion {
  /** JSON. */
  readonly body: string
  /** All of it: to be connected, asked and answered. Milliseconds. */
  readonly timeout: number
  /** Bytes of the answer that are read at most. */
  readonly answerBytes: number
}

export interface HookClientOptions {
  readonly reader: ObjectReader
  readonly rule: DialRule
  readonly random: Random
  readonly clock: Clock
}

/** Connections to one place; admission asks all of a burst at once, and what does not fit waits inside its own time-out. */
const SOCKETS = 64
/** Connections kept open to one place for the next question. */
const IDLE_SOCKETS = 8
/** Connections to all places. */
const ALL_SOCKETS = 512
/** How long a connection is kept for the next question. Milliseconds. */
const IDLE_TIME = 60_000
/** How many endpoints of a Service are tried when nobody listens there. */
const ATTEMPTS = 3

/**
 * Asks other people's HTTPS servers: admission webhooks, conversion webhooks. A Service is asked at one of its ready endpoints, under its name; whoever
 * gave a bundle of authorities trusts those and no other. Answers are bounded in time and size; redirects are refused, because they would lead around
 * the rule of addresses.
 */
export class HookClient {
  readonly #options: HookClientOptions
  readonly #agent = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS,
    maxTotalSockets: ALL_SOCKETS,
    maxFreeSockets: IDLE_SOCKETS,
    timeout: IDLE_TIME,
  })

  constructor(options: HookClientOptions) {
    this.#options = options
  }

  /**
   * Posts a question and reads the answer's JSON. The time-out is told to the server as upstream tells it (`?timeout=10s`).
   * @throws Error that names the address where there was no answer; StatusError what the server answered instead of success, or BadRequest for what is
   * no JSON; Error for a redirect
   */
  async post(address: HookAddress, { body, timeout, answerBytes }: HookQuestion): Promise<unknown> {
    const { clock } = this.#options
    const url = urlOf(address)
    url.searchParams.set('timeout', `${Math.ceil(timeout / 1000)}s`)
    const controller = new AbortController()
    const timer = clock.after(timeout, () => controller.abort(new Error('context deadline exceeded')))
    let code: number
    let bytes: Buffer
    try {
      const { signal } = controller
      const answer = await this.#reach(address, url, { body, signal })
      code = answer.statusCode ?? 0
      bytes = await collectAnswer(answer, answerBytes, signal)
    } catch (error) {
      throw new Error(`Post ${JSON.stringify(shownUrl(url, address))}: ${(error as Error).message}`, { cause: error })
    } finally {
      timer.cancel()
    }
    return readAnswer(code, bytes)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #reach(address: HookAddress, url: URL, sent: Sent): Promise<IncomingMessage> {
    const { reader, random } = this.#options
    const places = placesOf(address, url, reader)
    const first = Math.floor(random.fraction() * places.length)
    for (let attempt = 0; ; attempt++) {
      const place = places[(first + attempt) % places.length]!
      try {
        return await this.#ask(place, url, address.caBundle, sent)
      } catch (error) {
        // Nobody heard the question there: the next one may be asked.
        if (!isUnreached(error) || attempt + 1 >= Math.min(ATTEMPTS, places.length)) throw dialFailure(error, place)
      }
    }
  }

  #ask(place: ReachablePlace, url: URL, caBundle: string | undefined, { body, signal }: Sent): Promise<IncomingMessage> {
    const { rule } = this.#options
    rule.require(place.host)
    const headers = {
      host: url.host,
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'coxswain-apiserver',
    }
    const options: RequestOptions = {
      ...{ host: place.host, port: place.port, servername: place.servername, lookup: rule.lookup },
      ...{ method: 'POST', path: url.pathname + url.search, headers, agent: this.#agent, signal, minVersion: 'TLSv1.2' },
      ...(caBundle ? { ca: Buffer.from(caBundle, 'base64') } : {}),
    }
    return new Promise((resolve, reject) => {
      const request = httpsRequest(options, resolve)
      request.on('error', (error) => {
        if (signal.aborted) reject(signal.reason)
        // The server may just have closed a connection that was kept; each try uses up one of those.
        else if (request.reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE'))
          resolve(this.#ask(place, url, caBundle, { body, signal }))
        else reject(error)
      })
      request.end(body)
    })
  }
}

interface Sent {
  readonly body: string
  readonly signal: AbortSignal
}

function readAnswer(code: number, bytes: Buffer): unknown {
  if (code >= 200 && code < 300) return parseJson(bytes, 'object', true).value
  if (code >= 300 && code < 400) throw new Error(`the server answered ${code}: redirects are not followed`)
  let said: unknown = bytes.toString('utf8', 0, 1000)
  try {
    said = parseJson(bytes).value
  } catch {
    // It is a text, then.
  }
  throw StatusError.fromResponse(code, said)
}
