import { StatusError } from '../../shared/errors/status-error.ts'
import type { Credentials, User } from './user.ts'

/** Answers users of bearer tokens of one kind. */
export interface TokenAuthenticator {
  readonly name: string
  /**
   * The user, and for which audiences the token is good; undefined when the token is not of this kind.
   * `audiences` asks for those; empty means this API server's own.
   * @throws StatusError Unauthorized when it is of this kind and bad; the message says why (it goes into TokenReviews and logs).
   */
  authenticate(token: string, audiences: readonly string[]): TokenAnswer | undefined | Promise<TokenAnswer | undefined>
}

export interface TokenAnswer {
  readonly user: User
  readonly audiences: readonly string[]
}

/**
 * The bearer token of a request, from the Authorization header or a WebSocket handshake; undefined when there is none. A token is
 * everything behind `Bearer` and one space: with anything more before or after it is another token, which nobody has.
 * @throws StatusError Unauthorized when a handshake does not say clearly which one it means
 */
export function bearerTokenOf({ headers, protocolTokens }: Credentials): string | undefined {
  const authorization = headers['authorization']
  const [, written] = /^bearer (.+)$/is.exec((Array.isArray(authorization) ? authorization.join(',') : authorization)?.trim() ?? '') ?? []
  return written ?? (protocolTokens && fromProtocol(protocolTokens, headers['sec-websocket-protocol'] !== undefined))
}

/** Upstream's rules: one token, without padding, beside a protocol that can be answered. */
function fromProtocol(encoded: readonly string[], offersAnother: boolean): string {
  const [only = ''] = encoded
  if (encoded.length > 1) throw new StatusError('Unauthorized', 'multiple base64url.bearer.authorization tokens specified')
  if (!offersAnother) throw new StatusError('Unauthorized', 'missing additional subprotocol')
  const bytes = Buffer.from(only, 'base64url')
  const token = bytes.toString('utf8')
  if (only === '' || bytes.toString('base64url') !== only || !Buffer.from(token, 'utf8').equals(bytes)) {
    throw new StatusError('Unauthorized', 'invalid base64url.bearer.authorization token encoding')
  }
  return token
}
