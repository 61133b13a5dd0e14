import type { Credentials, User } from './user.ts'

/** Answers users of bearer tokens of one kind. */
export interface TokenAuthenticator {
  readonly name: string
  /**
   * The user, and for which audiences the token is good; undefined when the token is not of this kind.
   * `audiences` asks for those; empty means this API server's own.
   * @throws StatusError Unauthorized when it is of this kind and bad; the message says why (it goes into TokenReviews and logs).
   */
  authenticate(token: string, audiences: readonly string[]): TokenAnswer | undefined
}

export interface TokenAnswer {
  readonly user: User
  readonly audiences: readonly string[]
}

/** How browsers, which cannot set headers on a WebSocket, send a token: as one of the offered subprotocols. */
const SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

/** The bearer token of a request, from the Authorization header or the WebSocket subprotocols; undefined when there is none. */
export function bearerTokenOf({ headers }: Credentials): string | undefined {
  const [scheme = '', token = ''] = firstOf(headers['authorization'])?.trim().split(/ +/) ?? []
  if (scheme.toLowerCase() === 'bearer' && token !== '') return token
  const offered = firstOf(headers['sec-websocket-protocol'])
    ?.split(',')
    .map((protocol) => protocol.trim())
  const encoded = offered?.find((protocol) => protocol.startsWith(SUBPROTOCOL))?.slice(SUBPROTOCOL.length)
  return encoded ? Buffer.from(encoded, 'base64url').toString('utf8') : undefined
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value
}
