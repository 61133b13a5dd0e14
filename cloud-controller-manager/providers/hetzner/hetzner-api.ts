import { readFile } from 'node:fs/promises'
import type { Clock } from '../../../shared/time/clock.ts'
import { type Outside, TryLater } from '../../provider.ts'
import { asRecord, listOf, type Parse, type ParsedRecord } from './parse.ts'

/** The API said no; `code` is its own word for why (docs.hetzner.cloud, "Errors"). */
export class HetznerError extends Error {
  override readonly name = 'HetznerError'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(`Hetzner Cloud: ${message} (${code})`)
    this.status = status
    this.code = code
  }
}

export interface HetznerApiOptions {
  readonly endpoint: string
  /** A file that holds the token, read again when the API no longer takes what was in it; or the token itself. */
  readonly token: { readonly file: string } | { readonly value: string }
  readonly send: Outside['send']
  readonly clock: Clock
}

/** Most of a list that the API gives at once. */
const PER_PAGE = 50
/** A list longer than this is no list of ours. */
const MOST_PAGES = 200
const ANSWER_WITHIN = 30_000
/** Another change of the same thing is under way, or the API has a bad moment. */
const BUSY_PAUSE = 2_000
const OUTAGE_PAUSE = 15_000
const LONGEST_LIMIT_PAUSE = 10 * 60_000

/** Actions run beside the request that asked for them: looked at this often, this long at one go. */
const ACTION_LOOK_EVERY = 500
const ACTION_PATIENCE = 30_000

/** The Hetzner Cloud API, as far as this provider asks it. The token is in a header of each request and nowhere else. */
export class HetznerApi {
  readonly #options: HetznerApiOptions
  #token: string | undefined
  /** When the API will have requests for us again, on the monotonic clock. */
  #pausedUntil = 0

  constructor(options: HetznerApiOptions) {
    this.#options = options
  }

  async get<T>(path: string, key: string, parse: Parse<T>, signal: AbortSignal): Promise<T> {
    return parse((await this.#request('GET', path, undefined, signal))[key])
  }

  /** The same, or undefined when there is no such thing. */
  async find<T>(path: string, key: string, parse: Parse<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await this.get(path, key, parse, signal)
    } catch (error) {
      if (error instanceof HetznerError && error.status === 404) return undefined
      throw error
    }
  }

  /** All pages of a list. */
  async list<T>(path: string, key: string, query: Readonly<Record<string, string>>, parse: Parse<T>, signal: AbortSignal): Promise<T[]> {
    const all: T[] = []
    for (let page: number | undefined = 1, pages = 0; page !== undefined; pages++) {
      if (pages >= MOST_PAGES) throw new Error(`Hetzner Cloud: the list ${path} does not end`)
      const search = new URLSearchParams({ ...query, page: String(page), per_page: String(PER_PAGE) })
      const answer = await this.#request('GET', `${path}?${search}`, undefined, signal)
      all.push(...listOf(answer[key], parse))
      page = nextPage(answer)
    }
    return all
  }

  /** Writes, and waits for what it has begun. @throws TryLater when that takes long; HetznerError when it fails */
  async write(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, signal: AbortSignal): Promise<void> {
    const { action } = await this.#request(method, path, body, signal)
    if (action === undefined) return
    await this.#finish(asRecord(action), signal)
  }

  async #finish(begun: ParsedRecord, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + ACTION_PATIENCE
    for (let action = begun; ; ) {
      if (action['status'] === 'success') return
      const what = String(action['command'])
      if (action['status'] === 'error') {
        const error = action['error'] ? asRecord(action['error']) : {}
        throw new HetznerError(0, String(error['code'] ?? 'action_failed'), `${what}: ${String(error['message'] ?? 'it failed')}`)
      }
      if (clock.monotonic() >= deadline) throw new TryLater(`${what} is under way`, BUSY_PAUSE)
      await clock.sleep(ACTION_LOOK_EVERY, signal)
      action = await this.get(`/actions/${Number(action['id'])}`, 'action', asRecord, signal)
    }
  }

  async #request(method: string, path: string, body: unknown, signal: AbortSignal): Promise<ParsedRecord> {
    const { clock } = this.#options
    const wait = this.#pausedUntil - clock.monotonic()
    if (wait > 0) throw new TryLater('the API has had as many requests as it takes in an hour', wait)
    let response = await this.#send(method, path, body, signal)
    if (response.status === 401 && 'file' in this.#options.token) {
      // It may have been replaced.
      await response.body?.cancel()
      this.#token = undefined
      response = await this.#send(method, path, body, signal)
    }
    if (response.ok) return response.status === 204 ? {} : asRecord(await response.json())
    throw await this.#failure(response)
  }

  async #send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const { endpoint, send, clock } = this.#options
    const late = new AbortController()
    const timer = clock.after(ANSWER_WITHIN, () => late.abort(new Error(`no answer within ${ANSWER_WITHIN / 1_000} s`)))
    const headers = { authorization: `Bearer ${await this.#readToken()}`, accept: 'application/json' }
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    try {
      return await send(`${endpoint}${path}`, {
        ...{ method, ...content, redirect: 'error', signal: AbortSignal.any([signal, late.signal]) },
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      })
    } catch (cause) {
      signal.throwIfAborted()
      const why = late.signal.aborted ? 'no answer in time' : cause instanceof Error ? cause.message : String(cause)
      throw new TryLater(`${method} ${path.split('?')[0]} at ${endpoint}: ${why}`, OUTAGE_PAUSE, { cause })
    } finally {
      timer.cancel()
    }
  }

  async #readToken(): Promise<string> {
    const { token } = this.#options
    if ('value' in token) return token.value
    try {
      this.#token ??= (await readFile(token.file, 'utf8')).trim()
    } catch (cause) {
      throw new Error(`the token of the Hetzner Cloud cannot be read from ${token.file}`, { cause })
    }
    return this.#token
  }

  async #failure(response: Response): Promise<Error> {
    const text = await response.text()
    const { code, message } = errorOf(text, response.status)
    const error = new HetznerError(response.status, code, message)
    if (response.status === 429) {
      const pause = this.#limitPause(response)
      this.#pausedUntil = this.#options.clock.monotonic() + pause
      return new TryLater('the API has had as many requests as it takes in an hour', pause, { cause: error })
    }
    if (response.status === 423 || code === 'conflict' || code === 'locked') return new TryLater(message, BUSY_PAUSE, { cause: error })
    if (response.status >= 500) return new TryLater(message, OUTAGE_PAUSE, { cause: error })
    return error
  }

  /** Requests come back one by one until `RateLimit-Reset`, when all are there: a share of that time is enough to go on with. */
  #limitPause(response: Response): number {
    const reset = Number(response.headers.get('ratelimit-reset'))
    const left = Number.isFinite(reset) && reset > 0 ? reset * 1_000 - this.#options.clock.now() : 0
    return Math.min(LONGEST_LIMIT_PAUSE, Math.max(BUSY_PAUSE, left / 10))
  }
}

function nextPage(answer: ParsedRecord): number | undefined {
  const meta = answer['meta'] === undefined ? {} : asRecord(answer['meta'])
  const pagination = meta['pagination'] === undefined ? {} : asRecord(meta['pagination'])
  return typeof pagination['next_page'] === 'number' ? pagination['next_page'] : undefined
}

/** What an error page says; proxies in between write what they like. */
function errorOf(text: string, status: number): { code: string; message: string } {
  try {
    const error = asRecord(asRecord(JSON.parse(text))['error'])
    return { code: String(error['code']), message: String(error['message']) }
  } catch {
    return { code: `http_${status}`, message: text.slice(0, 200).trim() || 'an answer without words' }
  }
}
