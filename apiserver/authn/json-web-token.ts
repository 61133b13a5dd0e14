import { sign, verify } from 'node:crypto'
import type { VerifyingKey } from '../certificates/service-account-keys.ts'

/**
 * JSON Web Tokens as service accounts use them (RFC 7519, compact form, ES256 and RS256). By hand on node:crypto because
 * it is this short, synchronous, and the algorithm is the key's and never the token's choice.
 */
export interface WebToken {
  /** Names the key, when the signer named one. */
  readonly keyId: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
  /** Whether this key made the signature. */
  isSignedBy(key: VerifyingKey): boolean
}

/** Signs claims; the key must be the private one. */
export function signWebToken(claims: Readonly<Record<string, unknown>>, key: VerifyingKey): string {
  const signed = `${encode({ alg: key.algorithm, kid: key.id })}.${encode(claims)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), withEncoding(key)).toString('base64url')}`
}

/** Takes a token apart without believing it; undefined when it is none. */
export function parseWebToken(token: string): WebToken | undefined {
  const [headerText, claimsText, signatureText, ...rest] = token.split('.')
  if (!headerText || !claimsText || !signatureText || rest.length > 0) return undefined
  const header = decode(headerText)
  const claims = decode(claimsText)
  if (!header || !claims || 'crit' in header) return undefined
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')))
  const signature = Buffer.from(signatureText, 'base64url')
  return {
    keyId: typeof header['kid'] === 'string' ? header['kid'] : undefined,
    claims,
    isSignedBy: (key) => header['alg'] === key.algorithm && verify('sha256', signed, withEncoding(key), signature),
  }
}

/** RFC 7518 §3.4 wants the two numbers of an ECDSA signature side by side, not in DER. Ignored for RSA. */
const withEncoding = ({ key }: VerifyingKey) => ({ key, dsaEncoding: 'ieee-p1363' as const })

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function decode(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined // not JSON: then it is no web token, which is an answer and not a failure
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
