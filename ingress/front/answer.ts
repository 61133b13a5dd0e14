import type { FrontResponse } from './exchange.ts'
import type { Headers } from './headers.ts'

/** Words beside a status that every reader can read. */
const PLAIN_WORDS = /^[\t\x20-\x7e]*$/

/**
 * Begins an answer; nothing is sent yet.
 * @throws Error for a status or a header that HTTP has not: Pods may send anything, and what they send must fail here, where it harms one request
 */
export function beginAnswer(response: FrontResponse, status: number, headers: Headers, statusMessage = ''): void {
  if (status < 200 || status > 599) throw new Error(`the Pod answered with the status ${status}`)
  if ('stream' in response) {
    // HTTP/2 has no words for it.
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  } else if (statusMessage !== '' && PLAIN_WORDS.test(statusMessage)) response.writeHead(status, statusMessage, headers)
  else response.writeHead(status, headers)
}

export interface PlainAnswer {
  readonly status: number
  readonly sentence: string
  readonly headers?: Headers | undefined
  /** No more requests on this connection: of this one something was not read, and its rest must not be taken for the next one. */
  readonly isLast: boolean
}

/** An answer of our own, in a sentence, so that people see why. */
export function answerPlainly(response: FrontResponse, { status, sentence, headers = {}, isLast }: PlainAnswer): void {
  if (response.headersSent || response.destroyed) return
  const text = `${status} ${sentence}\n`
  beginAnswer(response, status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isLast && !('stream' in response) ? { connection: 'close' } : {}),
    ...headers,
  })
  // HTTP/1.1 leaves the body of an answer to HEAD out by itself, HTTP/2 as well.
  response.end(text)
}
