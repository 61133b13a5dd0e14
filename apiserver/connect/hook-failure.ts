import type { Endpoint } from './service-endpoints.ts'

/** Failures before anybody has heard the question. */
const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOTFOUND'])

/** The words that people know from upstream, by the codes of Node. */
const SENTENCES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ETIMEDOUT', 'i/o timeout'],
  ['ECONNRESET', 'read: connection reset by peer'],
])

const UNKNOWN_AUTHORITY = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

export function isUnreached(error: unknown): boolean {
  return UNREACHED.has(codeOf(error))
}

/** A failure to connect, in words that say where. */
export function dialFailure(error: unknown, { host, port }: Endpoint): Error {
  const code = codeOf(error)
  const said = SENTENCES.get(code)
  if (said !== undefined) {
    return new Error(`dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}: ${said}`, { cause: error })
  }
  if (UNKNOWN_AUTHORITY.has(code)) {
    return new Error('tls: failed to verify certificate: x509: certificate signed by unknown authority', { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
