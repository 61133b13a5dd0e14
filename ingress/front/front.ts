import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Patience } from '../backends/ask.ts'
import type { Backend } from '../backends/backend.ts'
import type { Backends } from '../backends/backends.ts'
import type { IngressConfig } from '../config.ts'
import type { Route } from '../routing/route.ts'
import type { RouteTable } from '../routing/route-table.ts'
import { answerPlainly } from './answer.ts'
import { type FrontRequest, type FrontResponse, type Question, type Refusal, readQuestion } from './exchange.ts'
import { type Errand, type ForwardTools, forward, NotForwarded } from './forward.ts'
import type { Origin } from './headers.ts'
import { relay } from './relay.ts'
import type { Outcome, RequestLog } from './request-log.ts'
import { forwardSwitch, join } from './tunnel.ts'

export interface FrontOptions extends ForwardTools {
  readonly config: Pick<
    IngressConfig,
    'connectTimeout' | 'answerTimeout' | 'idleTimeout' | 'tunnelIdleTimeout' | 'maxBodyBytes' | 'maxHeaderBytes'
  >
  /** The ports that clients know us by. */
  readonly ports: () => { readonly http: number; readonly https: number }
  /** The present one. */
  readonly table: () => RouteTable
  readonly backends: Pick<Backends, 'get'>
  /** Whether a host is served over HTTPS. */
  readonly hasTls: (host: string) => boolean
  readonly log: Pick<RequestLog, 'tell'>
}

/** Forward it, or answer it here. */
type Verdict = { readonly route: Route; readonly backend: Backend } | OwnAnswer
interface OwnAnswer {
  readonly route?: Route | undefined
  readonly backend?: undefined
  readonly status: number
  readonly sentence: string
  readonly location?: string | undefined
}
type Ended = Omit<Outcome, 'milliseconds'>

const AFTER_REFUSAL: Refusal = { status: 400, why: 'a request before it on this connection was refused' }

/** The way of a request: read, find its route, redirect or forward, answer, log. The same for HTTP/1.1 and HTTP/2, with TLS and without. */
export class Front {
  readonly #options: FrontOptions
  readonly #waiting: (() => void)[] = []
  /** Connections on which something was refused: what was sent behind it may be a part of it. */
  readonly #distrusted = new WeakSet<object>()
  #active = 0
  #isStopping = false

  constructor(options: FrontOptions) {
    this.#options = options
  }

  /** From now on each connection ends with the answer that is given on it. Resolves when no request is under way; tunnels are not waited for. */
  stop(): Promise<void> {
    this.#isStopping = true
    return this.#active === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Answers a request. Never rejects. */
  async serve(request: FrontRequest, response: FrontResponse, scheme: Origin['scheme']): Promise<void> {
    // What breaks on the way to the client ends the exchange; nobody else has to know.
    response.on('error', () => undefined)
    request.on('error', () => undefined)
    this.#active++
    await this.#told(request, scheme, (question, verdict, origin) => this.#answer(request, response, question, verdict, origin))
    this.#active--
    if (this.#active === 0) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** A request to go on with another protocol on this connection. Never rejects. */
  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer, scheme: Origin['scheme']): Promise<void> {
    socket.on('error', () => undefined)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => socket.end())
    await this.#told(request, scheme, async (question, verdict, origin) => {
      if (!verdict.backend) return this.#ownAnswer(response, question, verdict, true)
      const { errand, end } = this.#errand(request, response, question, { ...verdict, origin })
      try {
        const { answer, endpoint, tries, release } = await forwardSwitch(errand, request.headers.upgrade ?? '', this.#options)
        const told = { route: verdict.route, endpoint: endpoint.name, tries }
        if ('status' in answer) return { ...told, ...(await relay(answer, response, true).finally(release)), status: answer.status }
        response.detachSocket(socket)
        const bytes = await join(answer, socket, head, this.#options.config.tunnelIdleTimeout).finally(release)
        return { ...told, status: 101, bytes }
      } catch (error) {
        return this.#failed(response, error, verdict.route, true)
      } finally {
        end()
      }
    })
  }

  /** Reads a request, judges it, and tells the log how it ended. */
  async #told(
    request: FrontRequest,
    scheme: Origin['scheme'],
    act: (question: Question, verdict: Verdict, origin: Origin) => Promise<Ended>,
  ): Promise<void> {
    const { clock, log, ports, config } = this.#options
    const began = clock.monotonic()
    const read = this.#distrusted.has(request.socket) ? AFTER_REFUSAL : readQuestion(request, config.maxHeaderBytes)
    if ('why' in read && !('stream' in request)) this.#distrusted.add(request.socket)
    const { question, refusal } = 'why' in read ? { question: unreadable(request), refusal: read } : { question: read, refusal: undefined }
    const origin = { peer: addressOf(request), scheme, port: ports()[scheme], authority: question.authority }
    const verdict = refusal ? { status: refusal.status, sentence: refusal.why } : this.#verdict(question, scheme)
    const ended = await act(refusal ? { ...question, hasBody: true } : question, verdict, origin).catch((error: unknown) => {
      // A defect of ours: it costs this connection, and no other.
      request.socket.destroy()
      return { status: 500, bytes: 0, route: verdict.route, why: String(error) }
    })
    log.tell(question, origin, { ...ended, milliseconds: clock.monotonic() - began })
  }

  async #answer(request: FrontRequest, response: FrontResponse, question: Question, verdict: Verdict, origin: Origin): Promise<Ended> {
    const isLast = question.hasBody || this.#isStopping
    if (!verdict.backend) return this.#ownAnswer(response, question, verdict, isLast)
    const { route } = verdict
    const { errand, end } = this.#errand(request, response, question, { ...verdict, origin })
    try {
      const { answer, endpoint, tries, release } = await forward(errand, this.#options)
      // A body that nobody reads to its end would be in the way of the next request.
      const isCut = question.hasBody && !request.complete
      const { bytes, isWhole } = await relay(answer, response, this.#isStopping || isCut).finally(release)
      return { status: answer.status, bytes, route, endpoint: endpoint.name, tries, why: isWhole ? undefined : 'broken off' }
    } catch (error) {
      return this.#failed(response, error, route, isLast)
    } finally {
      end()
    }
  }

  #ownAnswer(response: FrontResponse, { hasBody }: Question, { status, sentence, location, route }: OwnAnswer, isLast: boolean): Ended {
    answerPlainly(response, { status, sentence, isLast: isLast || hasBody, headers: location === undefined ? {} : { location } })
    return { status, bytes: 0, route, why: location === undefined ? sentence : undefined }
  }

  #failed(response: FrontResponse, error: unknown, route: Route, isLast: boolean): Ended {
    const { status, tries, message } =
      error instanceof NotForwarded ? error : new NotForwarded(502, `the answer cannot be passed on: ${error}`, 0, error)
    // 499 is for the log: there is nobody to read it.
    if (status === 499) response.destroy()
    else answerPlainly(response, { status, sentence: message, isLast })
    return { status, bytes: 0, route, tries, why: message }
  }

  #verdict({ host, path, target, method }: Question, scheme: Origin['scheme']): Verdict {
    const { table, hasTls, backends, ports } = this.#options
    const route = table().find(host, path)
    if (!route) return { status: 404, sentence: `no Ingress has a rule for ${host || 'a request without a host'} ${shown(path)}` }
    if (scheme === 'http' && route.settings.redirectsToHttps && host !== '' && hasTls(host)) {
      // 308 keeps method and body; for reading, every client knows 301.
      const status = method === 'GET' || method === 'HEAD' ? 301 : 308
      const port = ports().https === 443 ? '' : `:${ports().https}`
      return { status, sentence: 'this is served over HTTPS', route, location: `https://${host}${port}${target}` }
    }
    if (!route.backend)
      return { status: 503, sentence: 'the Ingress leads to an object that is no Service: those are not served here', route }
    const backend = backends.get(route.backend)
    if (backend && backend.problem === undefined) return { route, backend }
    return { status: 503, sentence: backend?.problem ?? 'the backend is not known yet', route }
  }

  #errand(
    request: FrontRequest,
    response: FrontResponse,
    question: Question,
    { route, backend, origin }: { route: Route; backend: Backend; origin: Origin },
  ): { errand: Errand; end: () => void } {
    const { config } = this.#options
    const gone = new AbortController()
    const leave = () => gone.abort()
    response.once('close', leave)
    const { settings } = route
    const patience: Patience = {
      connect: config.connectTimeout,
      answer: settings.answerTimeout ?? config.answerTimeout,
      idle: settings.idleTimeout ?? config.idleTimeout,
    }
    const maxBodyBytes = settings.maxBodyBytes ?? config.maxBodyBytes
    const errand = { request, question, origin, backend, patience, maxBodyBytes, gone: gone.signal }
    return { errand, end: () => void response.off('close', leave) }
  }
}

/** For the log, of a request that could not be read. */
function unreadable({ method = '', url = '', headers }: FrontRequest): Question {
  return { method, target: shown(url), path: '', authority: shown(headers.host ?? ''), host: '', hasBody: true }
}

function addressOf(request: FrontRequest): string {
  const address = request.socket.remoteAddress ?? ''
  // A dual-stack listener writes IPv4 addresses as IPv6.
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

function shown(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}
