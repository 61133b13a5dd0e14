import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

/** Where to send load, and as whom. */
export interface LoadTarget {
  readonly port: number
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string
  readonly token: string
  /** Default JSON. */
  readonly accept?: string | undefined
}

export interface LoadAnswer {
  readonly code: number
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * One keep-alive HTTP/1.1 connection with as little of a client as measuring allows: one request at a time, answers with a
 * length. What it costs is not the server's.
 */
export class LoadConnection {
  readonly #socket: TLSSocket
  readonly #head: string
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes of the answer that is under way, head included; 0 before the head is there. */
  #wanted = 0
  #settle: { resolve: (answer: LoadAnswer) => void; reject: (error: Error) => void } | undefined

  private constructor(socket: TLSSocket, token: string, accept: string) {
    this.#socket = socket
    this.#head = ` HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nAccept: ${accept}\r\n`
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')))
  }

  static async open({ port, ca, token, accept = 'application/json' }: LoadTarget): Promise<LoadConnection> {
    const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'], checkServerIdentity: () => undefined })
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    return new LoadConnection(socket, token, accept)
  }

  /** @throws Error when the connection breaks */
  request(method: string, path: string, body = ''): Promise<LoadAnswer> {
    const length = body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(`${method} ${path}${this.#head}${length}\r\n${body}`)
    })
  }

  /** Sends a request whose answer does not end; everything that comes is handed over as it is, head included. */
  stream(path: string, onData: (chunk: Buffer) => void): void {
    this.#socket.removeAllListeners('data')
    this.#socket.on('data', onData)
    this.#socket.write(`GET ${path}${this.#head}\r\n`)
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#wanted === 0) {
      const bytes = this.#joined()
      const end = bytes.indexOf(HEAD_END)
      if (end < 0) return
      const length = /content-length: (\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1]
      if (length === undefined) {
        this.#settle?.reject(new Error('an answer without a length'))
        return
      }
      this.#wanted = end + HEAD_END.length + Number(length)
    }
    if (this.#size < this.#wanted) return
    const bytes = this.#joined()
    const answer = { code: Number(bytes.toString('latin1', 9, 12)), body: bytes.subarray(bytes.indexOf(HEAD_END) + HEAD_END.length) }
    const settle = this.#settle
    this.#chunks = []
    this.#size = 0
    this.#wanted = 0
    this.#settle = undefined
    settle?.resolve(answer)
  }

  #joined(): Buffer {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = [bytes]
    return bytes
  }
}
