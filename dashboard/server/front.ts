import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { isOwnHost, pageProblem } from '../../shared/process/page-guard.ts'
import type { LiveSockets } from './live-sockets.ts'
import type { PageFiles } from './page-files.ts'
import { bodyOf, type PassThrough, refuse } from './pass-through.ts'
import { answerHeaders, pageHeaders } from './security-headers.ts'
import type { SignInLinks } from './sign-in-links.ts'

interface FrontParts {
  /** Names besides loopback ones by which this server may be called. */
  readonly names: readonly string[]
  readonly files: PageFiles
  readonly pass: PassThrough
  readonly live: LiveSockets
  readonly links: SignInLinks
  readonly log: Logger
}

/** Before paths of the API server. */
const CLUSTER = '/cluster'

/** The way of a request: the page's files for everybody, everything else for the page alone. */
export class Front {
  readonly #parts: FrontParts

  constructor(parts: FrontParts) {
    this.#parts = parts
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { names, pass, log } = this.#parts
    const url = request.url ?? '/'
    const path = url.split('?', 1)[0]!
    try {
      if (!isOwnHost(request.headers.host, names)) {
        const name = JSON.stringify(request.headers.host ?? '')
        throw new StatusError('Forbidden', `the dashboard is not called ${name}: --allowed-hosts says what it is called besides localhost`)
      }
      if (!path.startsWith(`${CLUSTER}/`) && !path.startsWith('/session')) return this.#sendFile(request, response, path)
      const problem = pageProblem(request, names)
      if (problem !== undefined) throw new StatusError('Forbidden', problem)
      if (path.startsWith(`${CLUSTER}/`)) await pass.answer(request, response, url.slice(CLUSTER.length))
      else await this.#session(request, response, path)
    } catch (error) {
      refuse(response, error, log)
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Breaks are seen as `close`; without a listener they would end the process.
    socket.on('error', () => {})
    const problem = pageProblem(request, this.#parts.names)
    if (problem === undefined && request.url === '/live') return this.#parts.live.accept(request, socket, head)
    socket.end(`HTTP/1.1 ${problem ? 403 : 404} Refused\r\nConnection: close\r\n\r\n`)
  }

  /** `POST /session/link` puts a token away, `POST /session` takes it out again. */
  async #session(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (request.method !== 'POST') throw new StatusError('MethodNotAllowed', 'only POST')
    const body = (await bodyOf(request, inputLimits.tokenCharacters + 1024)) ?? '{}'
    const send = (answer: object) => {
      response.writeHead(200, { 'content-type': 'application/json', ...answerHeaders })
      response.end(JSON.stringify(answer))
    }
    if (path === '/session/link') return send({ code: await this.#parts.links.putAway(fieldOf(body, 'token')) })
    if (path === '/session') return send({ token: this.#parts.links.redeem(fieldOf(body, 'code')) })
    throw new StatusError('NotFound', 'there is no such path')
  }

  #sendFile(request: IncomingMessage, response: ServerResponse, path: string): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new StatusError('MethodNotAllowed', 'only GET')
    const file = this.#parts.files.find(path)
    if (!file) throw new StatusError('NotFound', 'there is no such file: the dashboard may have been renewed, load the page again')
    const caching = { 'cache-control': file.isForever ? 'public, max-age=31536000, immutable' : 'no-store' }
    const headers = { 'content-type': file.type, ...caching, ...pageHeaders }
    const send = (body: Buffer, more: Record<string, string> = {}) => {
      response.writeHead(200, { ...headers, ...more, 'content-length': body.length })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    if (isZipped) send(file.zipped, { 'content-encoding': 'gzip', vary: 'accept-encoding' })
    else send(file.body)
  }
}

/** A text of a JSON body. @throws StatusError BadRequest */
function fieldOf(body: string, name: string): string {
  try {
    const value: unknown = JSON.parse(body)
    const field = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
    if (typeof field === 'string' && /^[\x21-\x7e]{1,16384}$/.test(field)) return field
  } catch (error) {
    throw new StatusError('BadRequest', 'the body is not JSON', { cause: error })
  }
  throw new StatusError('BadRequest', `the body has no ${name}`)
}
