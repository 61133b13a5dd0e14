import type { Session } from '../session/session.ts'
import { Lost, Refusal } from './refusal.ts'

export interface Question {
  readonly method?: string
  /** Text; objects are sent as JSON. */
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly signal?: AbortSignal
}

/** Asks the API server once, as who is signed in. */
export type Ask = <T>(path: string, question?: Question) => Promise<T>

/**
 * Makes an `Ask` that answers parsed JSON.
 * It throws Refusal with the server's words, Lost when nothing answers, and ends the session when its token is not taken any more.
 */
export function askAs(session: Session): Ask {
  return async <T>(
    path: string,
    { method = 'GET', body, contentType = 'application/json', accept = 'application/json', signal }: Question = {},
  ) => {
    const headers: Record<string, string> = { accept, authorization: `Bearer ${session.token.peek()}` }
    if (body !== undefined) headers['content-type'] = contentType
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    let answer: Response
    let text: string
    try {
      answer = await fetch(`/cluster${path}`, { method, headers, ...(sent !== undefined && { body: sent }), ...(signal && { signal }) })
      text = await answer.text()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw new Lost('The dashboard’s server does not answer.', { cause: error })
    }
    if (answer.ok) return JSON.parse(text) as T
    const refusal = Refusal.of(answer.status, text)
    if (answer.status === 401) session.signOut(`The session is over: ${refusal.message}`)
    throw refusal
  }
}
