import { signal } from '@preact/signals'
import type { Clock } from '../../../shared/time/clock.ts'
import { decodeAnswer, type LiveRequest } from '../../live-protocol.ts'
import type { Session } from '../session/session.ts'
import { Lost, Refusal } from './refusal.ts'

interface Stream {
  begin(status: number): void
  data(text: string): void
  end(why: Error | undefined): void
}

const FIRST_WAIT = 250
const LONGEST_WAIT = 8_000

/** The page's one socket: watches and logs. Comes back by itself when it breaks; what ran on it ends, and its owners begin again. */
export class LiveConnection {
  readonly isConnected = signal(false)
  readonly #session: Session
  readonly #clock: Clock
  readonly #streams = new Map<number, Stream>()
  #socket: WebSocket | undefined
  #life: AbortController | undefined
  #nextId = 1
  #wait = FIRST_WAIT
  #opening: Promise<WebSocket> | undefined

  constructor(session: Session, clock: Clock) {
    this.#session = session
    this.#clock = clock
  }

  /** The body of a GET as it comes. @throws Refusal, Lost, the signal's reason */
  async *follow(path: string, accept: string, signal: AbortSignal): AsyncGenerator<string> {
    const socket = await this.#open()
    signal.throwIfAborted()
    const id = this.#nextId++
    const parts: string[] = []
    let status = 0
    let ended: { why: Error | undefined } | undefined
    let wake = () => {}
    const end = (why: Error | undefined) => {
      ended ??= { why }
      wake()
    }
    this.#streams.set(id, {
      begin: (given) => void (status = given),
      data: (text) => {
        parts.push(text)
        wake()
      },
      end,
    })
    const onAbort = () => end(signal.reason)
    signal.addEventListener('abort', onAbort)
    say(socket, { say: 'open', id, path, accept })
    try {
      while (!ended || parts.length > 0) {
        if (status < 400 && parts.length > 0) yield parts.splice(0).join('')
        else if (ended) break
        else await new Promise<void>((resolve) => (wake = resolve))
      }
      if (ended?.why) throw ended.why
      if (status < 400) return
      const refusal = Refusal.of(status, parts.join(''))
      if (status === 401) this.#session.signOut(`The session is over: ${refusal.message}`)
      throw refusal
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#streams.delete(id)
      if (!ended || signal.aborted) say(socket, { say: 'close', id })
    }
  }

  /** Is there even while nothing is followed, and says whether the server is. */
  start(): void {
    if (this.#life) return
    this.#life = new AbortController()
    void this.#keep(this.#life.signal)
  }

  close(): void {
    this.#life?.abort(new Error('nobody is signed in'))
    this.#life = undefined
    this.#socket?.close()
  }

  async #keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const socket = await this.#open().catch((error: unknown) => {
        // Tried again, after the wait that is behind it; `isConnected` says it. Anything else would be tried again without one, for ever.
        if (!(error instanceof Lost)) throw error
      })
      if (socket) await new Promise((resolve) => socket.addEventListener('close', resolve))
    }
  }

  #open(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return Promise.resolve(this.#socket)
    this.#opening ??= this.#connect().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #connect(): Promise<WebSocket> {
    const socket = new WebSocket('/live')
    const opened = await new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true)
      socket.onclose = () => resolve(false)
    })
    if (!opened) {
      await this.#clock.sleep(this.#wait)
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
      throw new Lost('The dashboard’s server does not answer.')
    }
    this.#wait = FIRST_WAIT
    this.#socket = socket
    this.isConnected.value = true
    socket.onmessage = ({ data }: MessageEvent<string>) => this.#hear(data)
    socket.onclose = () => {
      this.isConnected.value = false
      const lost = new Lost('The connection to the dashboard’s server broke.')
      for (const stream of [...this.#streams.values()]) stream.end(lost)
    }
    say(socket, { say: 'token', token: this.#session.token.peek() ?? '' })
    return socket
  }

  #hear(message: string): void {
    const { say, id, text } = decodeAnswer(message)
    const stream = this.#streams.get(id)
    if (say === 'begin') stream?.begin(Number(text))
    else if (say === 'data') stream?.data(text)
    else stream?.end(text === '' ? undefined : new Lost(text))
  }
}

function say(socket: WebSocket, request: LiveRequest): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(request))
}
