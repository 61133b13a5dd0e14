import { StringDecoder } from 'node:string_decoder'
import type { WebSocket, WebSocketServer } from 'ws'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { ApiRequest, Reply, ReplyHeaders } from './exchange.ts'
import { UpgradeReply } from './upgrade.ts'

/** Bytes of a message from the client, which has nothing to say here. */
const MOST_INPUT = 1024
/** Sub-protocols for bytes, as upstream's; without any, messages are binary. */
const BINARY = 'binary.k8s.io'
const BASE64 = 'base64.binary.k8s.io'

/** How an answer is cut into messages: bytes as they come, or a text message a line. */
export type Cut = 'bytes' | 'lines'

/**
 * The way back of a streamed answer: messages of a WebSocket where the client asked for one (logs, watches), else what there is.
 * @throws StatusError BadRequest for sub-protocols that are not spoken
 */
export async function messageReply({ request, reply }: { request: ApiRequest; reply: Reply }, cut: Cut): Promise<Reply> {
  const { headers } = request
  if (!(reply instanceof UpgradeReply) || String(headers['upgrade'] ?? '').toLowerCase() !== 'websocket') return reply
  const offered = String(headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  // Upstream agrees to whatever single protocol a watcher names.
  const chosen = cut === 'lines' ? offered[0] : offered.find((name) => name === BINARY || name === BASE64)
  if (offered.length > 0 && chosen === undefined) {
    throw new StatusError(
      'BadRequest',
      `none of the offered WebSocket protocols is supported: ${offered.join(', ')}; offer ${BINARY} or ${BASE64}`,
    )
  }
  // Loaded when somebody comes: most servers never see one.
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MOST_INPUT },
    handleProtocols: () => chosen ?? false,
  })
  return new MessageReply(reply, server, cut === 'lines' ? 'lines' : chosen === BASE64 ? 'base64' : 'binary')
}

class MessageReply implements Reply {
  readonly #inner: UpgradeReply
  readonly #server: WebSocketServer
  readonly #form: 'lines' | 'base64' | 'binary'
  #socket: WebSocket | undefined
  #rest = ''
  /** Large events come in pieces, which may end inside a character. */
  readonly #decoder = new StringDecoder('utf8')

  constructor(inner: UpgradeReply, server: WebSocketServer, form: 'lines' | 'base64' | 'binary') {
    this.#inner = inner
    this.#server = server
    this.#form = form
  }

  get audit(): Reply['audit'] {
    return this.#inner.audit
  }

  get started(): boolean {
    return this.#inner.started
  }

  get closed(): boolean {
    return this.#inner.closed
  }

  belongTo(owner: string, headers: Readonly<Record<string, string>>): void {
    this.#inner.belongTo(owner, headers)
  }

  onClose(listener: () => void): void {
    this.#inner.onClose(listener)
  }

  send(code: number, contentType: string, body: Buffer | string, headers?: ReplyHeaders): void {
    this.#inner.send(code, contentType, body, headers)
  }

  begin(code: number, contentType: string | undefined, length?: number, headers?: ReplyHeaders): void {
    if (code !== 200) return this.#inner.begin(code, contentType, length, headers)
    const { request, socket, head } = this.#inner.takeOver()
    if (socket.destroyed) return
    this.#server.handleUpgrade(request, socket, head, (connected) => {
      // The connection's end follows, and is told by `onClose`.
      connected.on('error', () => {})
      this.#socket = connected
      // So that clients of bytes know that the stream stands, before there is anything in it; as upstream's.
      if (this.#form !== 'lines') this.#message(Buffer.alloc(0))
    })
  }

  write(chunk: Buffer): boolean {
    if (!this.#socket) return this.#inner.write(chunk)
    if (this.#form !== 'lines') this.#message(chunk)
    else {
      const lines = (this.#rest + this.#decoder.write(chunk)).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#socket.send(`${line}\n`)
    }
    this.#inner.count(this.#rest.length)
    return !this.#inner.isFull
  }

  onDrain(listener: () => void): void {
    this.#inner.onDrain(listener)
  }

  end(): void {
    if (this.#socket) this.#socket.close(1000)
    else this.#inner.end()
  }

  abort(): void {
    this.#inner.abort()
  }

  #message(bytes: Buffer): void {
    this.#socket?.send(this.#form === 'base64' ? bytes.toString('base64') : bytes)
  }
}
