import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { requireApiServer } from './authorization.ts'

/**
 * Bounds what those cost who have not shown that they are the API server, and may never do: how many connections they have, and what they
 * send on one. When there are too many, the address that has most loses its oldest, so that nobody keeps the API server out.
 */
export class Strangers {
  readonly #most: number
  readonly #log: Logger
  /** By address and port; oldest first. */
  readonly #connections = new Map<string, Socket>()

  constructor(log: Logger, most: number = inputLimits.strangerConnections) {
    this.#log = log
    this.#most = most
  }

  /** Connections of strangers now. */
  get size(): number {
    return this.#connections.size
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#come(socket))
    // After HTTP's own listener: a reader that comes before it is not told what its parser takes directly.
    server.on('secureConnection', (socket: TLSSocket) => this.#look(socket))
  }

  #come(socket: Socket): void {
    const key = keyOf(socket)
    this.#connections.set(key, socket)
    socket.once('close', () => {
      if (this.#connections.get(key) === socket) this.#connections.delete(key)
    })
    while (this.#connections.size > this.#most) this.#endOldest()
  }

  #look(socket: TLSSocket): void {
    try {
      requireApiServer(socket)
      this.#connections.delete(keyOf(socket))
    } catch {
      // Said to the peer when it asks for something; until then it is only one of those who may not cost much.
      let bytes = 0
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= inputLimits.strangerBytes) return
        this.#log.debug('a stranger sent too much', { from: socket.remoteAddress })
        socket.destroy()
      })
    }
  }

  #endOldest(): void {
    const counts = new Map<string, number>()
    for (const { remoteAddress = '' } of this.#connections.values()) counts.set(remoteAddress, (counts.get(remoteAddress) ?? 0) + 1)
    const most = Math.max(...counts.values())
    for (const [key, socket] of this.#connections) {
      if (counts.get(socket.remoteAddress ?? '') !== most) continue
      this.#connections.delete(key)
      this.#log.debug('too many connections of strangers', { from: socket.remoteAddress })
      socket.destroy()
      return
    }
  }
}

const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
