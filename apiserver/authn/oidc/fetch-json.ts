import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { createSecureContext, getCACertificates } from 'node:tls'
import { collectAnswer } from '../../../shared/streams/collect-answer.ts'
import type { Clock } from '../../../shared/time/clock.ts'

/** All of it: to be connected, asked and answered. Milliseconds. */
const TIMEOUT = 10_000
/** Bytes of an answer; a set of a hundred keys has 50,000. */
const ANSWER_BYTES = 512 * 1024

/** Gets a JSON object over HTTPS; the signal ends it. @throws Error that names the URL */
export type FetchJson = (url: string, signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>>

/**
 * Reads what identity providers publish, within bounds of time and size. Where that is, the administrator says (and the provider itself, of its keys): unlike the
 * addresses that users write, it may be anywhere. Redirects are refused: they would lead where nobody said.
 * @param authorities PEM; undefined: those that this machine trusts, and Node's own list, which images without any have
 */
export function fetchJson(authorities: string | undefined, clock: Clock): FetchJson {
  let agent: Agent | undefined
  return async (url, ended) => {
    const controller = new AbortController()
    const timer = clock.after(TIMEOUT, () => controller.abort(new Error(`no answer within ${TIMEOUT / 1000} seconds`)))
    try {
      const signal = AbortSignal.any([controller.signal, ended])
      agent ??= agentOf(authorities ?? [...getCACertificates('default'), ...getCACertificates('system')])
      const answer = await get(url, agent, signal)
      if (answer.statusCode !== 200) {
        answer.destroy()
        throw new Error(`the server answered ${answer.statusCode}${isRedirect(answer) ? ': redirects are not followed' : ''}`)
      }
      const value: unknown = JSON.parse((await collectAnswer(answer, ANSWER_BYTES, signal)).toString('utf8'))
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('the answer is no JSON object')
      return Object.fromEntries(Object.entries(value))
    } catch (cause) {
      throw new Error(`Get ${JSON.stringify(url)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    } finally {
      timer.cancel()
    }
  }
}

/** Certificates are read once: a machine has hundreds. Connections are not kept; fetches are minutes apart. */
function agentOf(ca: string | string[]): Agent {
  return new Agent({ keepAlive: false, secureContext: createSecureContext({ ca, minVersion: 'TLSv1.2' }) })
}

function get(url: string, agent: Agent, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = { accept: 'application/json', 'user-agent': 'coxswain-apiserver' }
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { agent, headers, signal }, resolve)
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.end()
  })
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 300 && statusCode < 400
}
