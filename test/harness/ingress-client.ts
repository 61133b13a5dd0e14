import { type Agent, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'

export interface Asked {
  readonly port: number
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | undefined
  /** Default: a connection of its own. */
  readonly agent?: Agent
  /** Over TLS, with this certificate as the one that is trusted; `any` trusts all. */
  readonly trusting?: string
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** One request. */
export function ask({
  port,
  host = 'web.example.com',
  path = '/',
  method = 'GET',
  headers = {},
  body,
  agent,
  trusting,
}: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers: { host, ...headers }, agent: agent ?? false, setHost: false }
    const tls = trusting === 'any' ? { rejectUnauthorized: false } : { ca: trusting }
    const sent = trusting === undefined ? httpRequest(options) : httpsRequest({ ...options, servername: host, ...tls })
    sent.once('error', reject)
    sent.once('response', (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(parts).toString() }))
    })
    sent.end(body)
  })
}

/** Sends bytes as they are, and answers all that comes back until the other side ends the connection. */
export function sendRaw(port: number, bytes: string, { isLeftOpen = false } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (part) => {
      text += part.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(text))
    if (isLeftOpen) socket.write(bytes, 'latin1')
    else socket.end(bytes, 'latin1')
  })
}
