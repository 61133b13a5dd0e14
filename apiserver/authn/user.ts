/** Who is asking (authentication.k8s.io UserInfo). */
export interface User {
  readonly name: string
  readonly uid?: string | undefined
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined
}

/** What an authenticator may look at. Header names are lower case. */
export interface Credentials {
  /** Path and query as sent; some of nobody's paths are open to nobody. */
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Bearer tokens, encoded, that a WebSocket handshake offered as sub-protocols; already taken out of the headers. */
  readonly protocolTokens?: readonly string[] | undefined
  /** The verified peer certificate of a TLS connection, DER; absent when none was given or it does not chain to our client CA. */
  readonly clientCertificate?: Uint8Array | undefined
  /** Why the certificate that the peer did give was not accepted (`TLSSocket.authorizationError`); then nobody is authenticated. */
  readonly certificateProblem?: string | undefined
  readonly remoteAddress: string
}

/**
 * Answers a user, or undefined for "these are not my kind of credentials".
 * @throws StatusError Unauthorized when they are of its kind and bad (expired, foreign, malformed).
 */
export interface Authenticator {
  readonly name: string
  authenticate(credentials: Credentials): Promise<User | undefined> | User | undefined
}
