import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConnectionError } from '../../shared/client/connection-error.ts'
import type { Transport } from '../../shared/client/transport.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { answerHeaders } from './security-headers.ts'

/** What of a request reaches the API server. Nothing that speaks for others (impersonation), and no cookies, which this server does not know. */
const ASKED = ['accept', 'content-type', 'authorization']
/** What of an answer reaches the page. */
const ANSWERED = ['content-type', 'warning', 'retry-after', 'audit-id']

const WHO_AM_I = '/apis/authentication.k8s.io/v1/selfsubjectreviews'

/** Passes requests to the API server with the token that came with them: this server has no rights of its own. */
export class PassThrough {
  readonly #transport: Transport
  readonly #log: Logger

  /** @param transport without credentials */
  constructor(transport: Transport, log: Logger) {
    this.#transport = transport
    this.#log = log
  }

  /** @param path as the API server knows it, with its query */
  async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort(new Error('the page left')))
    try {
      const headers: Record<string, string> = { 'user-agent': 'dashboard' }
      for (const name of ASKED) {
        const value = request.headers[name]
        if (typeof value === 'string') headers[name] = value
      }
      if (!/^Bearer \S+$/.test(headers['authorization'] ?? ''))
        throw new StatusError('Unauthorized', 'sign in first: the request brings no token')
      const body = await bodyOf(request)
      const { method = 'GET' } = request
      const answer = await this.#transport.send({ method, path, headers, body, signal: gone.signal })
      const kept = ANSWERED.flatMap((name) => (answer.header(name) === undefined ? [] : [[name, answer.header(name)!]]))
      response.writeHead(answer.status, { ...Object.fromEntries(kept), ...answerHeaders })
      for await (const chunk of answer.chunks()) if (!response.write(chunk)) await once(response, 'drain', { signal: gone.signal })
      response.end()
    } catch (error) {
      if (gone.signal.aborted) return
      refuse(response, error, this.#log)
    }
  }

  /** Whether the API server knows whose token it is. @throws ConnectionError */
  async isSomebody(token: string): Promise<boolean> {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'dashboard',
    }
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' })
    const answer = await this.#transport.send({ method: 'POST', path: WHO_AM_I, headers, body })
    await answer.text()
    return answer.status === 201
  }
}

/** Text, as everything is that the page sends. @throws StatusError RequestEntityTooLarge */
export async function bodyOf(request: IncomingMessage, most: number = inputLimits.bodyBytes): Promise<string | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > most) throw new StatusError('RequestEntityTooLarge', `the body has more than ${most} bytes`)
    parts.push(part)
  }
  return size === 0 ? undefined : Buffer.concat(parts).toString('utf8')
}

/** Answers with a Status, as the API server would: the page knows one shape of refusals. */
export function refuse(response: ServerResponse, error: unknown, log: Logger): void {
  const status = statusOf(error)
  if (status !== error) log.warn('a request could not be answered', { error })
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status.code, { 'content-type': 'application/json', ...answerHeaders })
  response.end(JSON.stringify(status.toStatus()))
}

function statusOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  const why = error instanceof Error ? error.message : String(error)
  if (error instanceof ConnectionError)
    return new StatusError('ServiceUnavailable', `the API server cannot be reached: ${why}`, { cause: error })
  return new StatusError('InternalError', `the dashboard's server cannot answer: ${why}`, { cause: error })
}
