import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../shared/logging/logger.ts'
import { framed } from './upstream.ts'

/** How long an idle TCP client keeps its connection (RFC 7766 asks for some seconds). */
const IDLE_MILLISECONDS = 10_000
/** Queries of one TCP client that are answered at the same time; the rest of what it sends waits in the kernel. */
const MOST_WAITING = 32

export type AnswerMessage = (message: Buffer, overTcp: boolean) => Promise<Buffer | undefined>

/** Listens on UDP and TCP of one address and hands each message to `answer`. */
export class DnsServer {
  readonly #answer: AnswerMessage
  readonly #log: Logger
  readonly #udp: DatagramSocket
  readonly #tcp: Server
  readonly #connections = new Set<Socket>()

  constructor(answer: AnswerMessage, log: Logger) {
    this.#answer = answer
    this.#log = log
    this.#udp = createSocket({ type: 'udp4', reuseAddr: true })
    this.#tcp = createServer((socket) => this.#serve(socket))
  }

  async listen(address: string, port: number): Promise<{ port: number }> {
    this.#udp.on('message', (message, from) => {
      this.#answer(message, false)
        .then((response) => response && this.#udp.send(response, from.port, from.address))
        .catch((error: unknown) => this.#log.error('a query could not be answered', { error }))
    })
    const bound = await new Promise<number>((resolve, reject) => {
      this.#udp.once('error', reject)
      this.#udp.bind(port, address, () => resolve(this.#udp.address().port))
    })
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject)
      this.#tcp.listen(bound, address, resolve)
    })
    for (const part of [this.#udp, this.#tcp]) part.on('error', (error: Error) => this.#log.error('a listening socket failed', { error }))
    return { port: bound }
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    await Promise.all([
      new Promise<void>((resolve) => this.#udp.close(() => resolve())),
      new Promise<void>((resolve) => this.#tcp.close(() => resolve())),
    ])
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket)
    socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy())
    socket.on('close', () => this.#connections.delete(socket))
    socket.on('error', (error) => this.#log.debug('a client went away', { error }))
    let received = Buffer.alloc(0)
    let waiting = 0
    // A client that asks and does not read must not have its answers kept here.
    const isBusy = () => waiting >= MOST_WAITING || socket.writableNeedDrain
    const takeOn = () => {
      while (!isBusy() && received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const message = Buffer.from(received.subarray(2, 2 + received.readUInt16BE(0)))
        received = received.subarray(2 + message.length)
        waiting++
        void this.#reply(socket, message).then(() => {
          waiting--
          takeOn()
        })
      }
      if (isBusy()) socket.pause()
      else socket.resume()
    }
    socket.on('drain', takeOn)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      takeOn()
    })
  }

  /** Never rejects. */
  async #reply(socket: Socket, message: Buffer): Promise<void> {
    try {
      const response = await this.#answer(message, true)
      if (socket.destroyed) return
      if (response) socket.write(framed(response))
      else socket.destroy()
    } catch (error) {
      this.#log.error('a query could not be answered', { error })
    }
  }
}
