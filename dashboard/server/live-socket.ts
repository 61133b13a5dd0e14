import type { WebSocket } from 'ws'
import type { Transport, TransportResponse } from '../../shared/client/transport.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { encodeAnswer, type LiveAnswer, type LiveRequest } from '../live-protocol.ts'

/** Streams of one page; a page of ours has a dozen. */
const MOST_STREAMS = 64

/** One page's watches and logs: each is a GET of the API server, with the page's token. */
export class LiveSocket {
  readonly #socket: WebSocket
  readonly #transport: Transport
  readonly #log: Logger
  readonly #open = new Map<number, AbortController>()
  #token: string | undefined

  constructor(socket: WebSocket, transport: Transport, log: Logger) {
    this.#socket = socket
    this.#transport = transport
    this.#log = log
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const request = isBinary ? undefined : requestOf(data.toString())
      if (request) this.#take(request)
      else socket.close(1008, 'this is no message of the dashboard')
    })
  }

  get isSignedIn(): boolean {
    return this.#token !== undefined
  }

  get streams(): number {
    return this.#open.size
  }

  end(): void {
    for (const stream of this.#open.values()) stream.abort(new Error('the page left'))
    this.#open.clear()
  }

  #take(request: LiveRequest): void {
    if (request.say === 'token') {
      this.#token = request.token
    } else if (request.say === 'close') {
      this.#open.get(request.id)?.abort(new Error('the page does not want it any more'))
      this.#open.delete(request.id)
    } else if (this.#token === undefined || this.#open.size >= MOST_STREAMS || this.#open.has(request.id)) {
      this.#socket.close(1008, this.#token === undefined ? 'the token comes first' : `${MOST_STREAMS} streams are open already`)
    } else {
      void this.#follow(request, this.#token)
    }
  }

  async #follow({ id, path, accept }: LiveRequest & { say: 'open' }, token: string): Promise<void> {
    const stream = new AbortController()
    const { signal } = stream
    this.#open.set(id, stream)
    let why = ''
    try {
      const headers = { accept, authorization: `Bearer ${token}`, 'user-agent': 'dashboard' }
      const answer = await this.#transport.send({ method: 'GET', path, headers, signal, stream: true })
      await this.#send({ say: 'begin', id, text: String(answer.status) })
      for await (const text of textOf(answer)) {
        if (signal.aborted) break
        await this.#send({ say: 'data', id, text })
      }
    } catch (error) {
      if (!signal.aborted) this.#log.info('a stream of a page broke', { path, error })
      why = error instanceof Error ? error.message : String(error)
    }
    if (signal.aborted) return
    this.#open.delete(id)
    await this.#send({ say: 'end', id, text: why }).catch(() => undefined) // the page has left: there is nobody to tell
  }

  /** Resolves when the connection has taken it, so that a slow page slows what it watches and is not buffered. */
  #send(answer: LiveAnswer): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.send(encodeAnswer(answer), (error) => (error ? reject(error) : resolve())))
  }
}

/** Characters that two chunks share are put together. */
async function* textOf(answer: TransportResponse): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of answer.chunks()) yield decoder.decode(chunk, { stream: true })
}

function requestOf(text: string): LiveRequest | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { say, token, id, path, accept } = value as Readonly<Record<string, unknown>>
  if (say === 'token') return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? { say, token } : undefined
  if (!Number.isSafeInteger(id)) return undefined
  if (say === 'close') return { say, id: Number(id) }
  if (say !== 'open' || typeof path !== 'string' || typeof accept !== 'string') return undefined
  const isPath = /^\/[\x21-\x7e]*$/.test(path) && path.length <= inputLimits.pathBytes + inputLimits.queryBytes
  return isPath && /^[\x20-\x7e]{1,500}$/.test(accept) ? { say, id: Number(id), path, accept } : undefined
}
