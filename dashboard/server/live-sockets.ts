import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Transport } from '../../shared/client/transport.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { LiveSocket } from './live-socket.ts'

interface LiveTools {
  /** Without credentials. */
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

/** Messages of pages are small: a token, or a path. */
const MOST_MESSAGE = 64 * 1024
const PING_MILLISECONDS = 20_000
const MOST_SOCKETS = 200

/** The sockets of all pages. */
export class LiveSockets {
  readonly #tools: LiveTools
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MOST_MESSAGE, clientTracking: false })
  readonly #sockets = new Map<WebSocket, LiveSocket>()

  constructor(tools: LiveTools) {
    this.#tools = tools
  }

  /** Streams that are open now. */
  get streams(): number {
    let sum = 0
    for (const socket of this.#sockets.values()) sum += socket.streams
    return sum
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (accepted) => this.#serve(accepted))
  }

  close(): void {
    for (const socket of this.#sockets.keys()) socket.terminate()
  }

  #serve(socket: WebSocket): void {
    const { clock, log, transport } = this.#tools
    if (this.#sockets.size >= MOST_SOCKETS) return socket.close(1013, `${MOST_SOCKETS} pages are open already`)
    const live = new LiveSocket(socket, transport, log)
    this.#sockets.set(socket, live)
    // Who does not say so in time is gone: a machine that sleeps breaks no connection.
    let isAlive = true
    const pings = clock.every(PING_MILLISECONDS, () => {
      if (!isAlive || !live.isSignedIn) return socket.terminate()
      isAlive = false
      socket.ping()
    })
    socket.on('pong', () => (isAlive = true))
    // What is wrong with a message ends the socket, and is not ours to tell.
    socket.on('error', (error) => log.debug('a page’s socket broke', { error }))
    socket.on('close', () => {
      pings.cancel()
      live.end()
      this.#sockets.delete(socket)
    })
  }
}
