import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import type { IpFamily } from '../shared/addresses/ip-families.ts'
import type { Logger } from '../shared/logging/logger.ts'
import { framed } from './message/framing.ts'

/** How long an idle TCP client keeps its connection (RFC 7766 asks for some seconds). */
const IDLE_MILLISECONDS = 10_000
/** Queries of one TCP client that are answered at the same time; the rest of what it sends waits in the kernel. */
const MOST_WAITING = 32
/** TCP clients at a time; the one that has been silent longest makes room for the next. */
export const MOST_CONNECTIONS = 1_000
/** No query is longer; whoever says so is not listened to further. */
const LONGEST_QUERY = 4_096
/** What the kernel keeps of queries that come faster than they are answered. */
const RECEIVE_BUFFER_BYTES = 4 << 20

/** Undefined for what deserves no answer. */
export type AnswerMessage = (message: Buffer, overTcp: boolean, client?: string) => Buffer | undefined | Promise<Buffer | undefined>

/** Listens on UDP and TCP of one address and hands each message to `answer`. */
export class DnsServer {
  readonly #answer: AnswerMessage
  readonly #log: Logger
  readonly #udp: DatagramSocket
  readonly #tcp: Server
  /** In the order in which they were last heard. */
  readonly #connections = new Set<Socket>()

  /** @param family of the address that it will listen on */
  constructor(answer: AnswerMessage, log: Logger, family: IpFamily = 'IPv4') {
    this.#answer = answer
    this.#log = log
    // Answers go to addresses, and looking those up again costs as much as sending.
    const version = family === 'IPv4' ? 4 : 6
    this.#udp = createSocket({ type: `udp${version}`, reuseAddr: true, lookup: (address, _options, done) => done(null, address, version) })
    this.#tcp = createServer((socket) => this.#serve(socket))
  }

  async listen(address: string, port: number): Promise<{ port: number }> {
    const send = (response: Buffer, from: RemoteInfo) =>
      this.#udp.send(response, from.port, from.address, (error) => {
        // Nobody can be answered at port 0, and a client may be gone.
        if (error) this.#log.debug('an answer could not be sent', { error })
      })
    const failed = (error: unknown) => this.#log.error('a query could not be answered', { error })
    this.#udp.on('message', (message, from) => {
      try {
        const answer = this.#answer(message, false, from.address)
        if (answer instanceof Promise) answer.then((response) => response && send(response, from)).catch(failed)
        else if (answer) send(answer, from)
      } catch (error) {
        failed(error)
      }
    })
    const bound = await new Promise<number>((resolve, reject) => {
      this.#udp.once('error', reject)
      this.#udp.bind(port, address, () => resolve(this.#udp.address().port))
    })
    // As root; others get what the kernel allows.
    this.#udp.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#tcp.once('error', reject)
        this.#tcp.listen(bound, address, resolve)
      })
    } catch (error) {
      this.#udp.close()
      throw error
    }
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
    for (const oldest of this.#connections) {
      if (this.#connections.size < MOST_CONNECTIONS) break
      this.#connections.delete(oldest)
      oldest.destroy()
    }
    this.#connections.add(socket)
    socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy())
    socket.on('close', () => this.#connections.delete(socket))
    socket.on('error', (error) => this.#log.debug('a client went away', { error }))
    let received: Buffer = Buffer.alloc(0)
    let waiting = 0
    // A client that asks and does not read must not have its answers kept here.
    const isBusy = () => waiting >= MOST_WAITING || socket.writableNeedDrain
    const takeOn = () => {
      while (!isBusy() && received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const message = Buffer.from(received.subarray(2, 2 + received.readUInt16BE(0)))
        received = received.subarray(2 + message.length)
        waiting++
        this.#connections.delete(socket)
        this.#connections.add(socket)
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
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      if (received.length >= 2 && received.readUInt16BE(0) > LONGEST_QUERY) return void socket.destroy()
      takeOn()
    })
  }

  /** Never rejects. */
  async #reply(socket: Socket, message: Buffer): Promise<void> {
    try {
      const response = await this.#answer(message, true, socket.remoteAddress)
      if (socket.destroyed) return
      if (response) socket.write(framed(response))
      else socket.destroy()
    } catch (error) {
      this.#log.error('a query could not be answered', { error })
    }
  }
}
