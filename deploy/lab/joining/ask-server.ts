import { request } from 'node:https'

/** One answer of the server, whole. */
export interface ServerAnswer {
  readonly status: number
  readonly body: string
  readonly date: string | undefined
}

interface Question {
  readonly method?: 'GET' | 'POST'
  readonly body?: string
  /** PEM that the server must be of; absent: it is not known yet whom to trust, and nothing secret may be sent. */
  readonly authority?: string
  readonly token?: string
}

/** Longer than a busy server needs, shorter than a person waits. */
const PATIENCE = 10_000
/** The public card of a cluster has a few kilobytes. */
const LONGEST_ANSWER = 1024 * 1024

/** Asks the API server once. @throws the system's error, with its code */
export function askServer(server: URL, path: string, { method = 'GET', body, authority, token }: Question = {}): Promise<ServerAnswer> {
  return new Promise((resolve, reject) => {
    const trust = authority === undefined ? { rejectUnauthorized: false } : { ca: authority }
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(token === undefined || authority === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const asking = request(new URL(path, server), { method, headers, agent: false, timeout: PATIENCE, ...trust }, (response) => {
      const parts: Buffer[] = []
      let size = 0
      response.on('data', (part: Buffer) => {
        size += part.length
        if (size > LONGEST_ANSWER) response.destroy(new Error('the answer is longer than any API server gives'))
        else parts.push(part)
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8'), date: response.headers.date }),
      )
    })
    asking.on('timeout', () => asking.destroy(Object.assign(new Error(`no answer within ${PATIENCE / 1000} s`), { code: 'ETIMEDOUT' })))
    asking.on('error', reject)
    asking.end(body)
  })
}
