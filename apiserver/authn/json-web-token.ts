import type { KeyObject } from 'node:crypto'
import type { VerifyingKey } from '../certificates/service-account-keys.ts'

/**
 * JSON Web Tokens as service accounts and identity providers use them (RFC 7519, compact form, signed), by `jose`. It is loaded with the first token
 * that is made or met. What is stricter here than there: a token has one spelling, and the algorithm is the key's, never the token's choice.
 */
export interface WebToken {
  /** Names the key, when the signer named one. */
  readonly keyId: string | undefined
  /** What it says that it is signed with: to find the keys that could be meant, never to be believed. */
  readonly algorithm: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
  /** Whether this key made the signature. */
  isSignedBy(key: { readonly algorithm: string; readonly key: KeyObject }): Promise<boolean>
}

/** Signs claims; the key must be the private one. */
export async function signWebToken(claims: Readonly<Record<string, unknown>>, key: VerifyingKey): Promise<string> {
  const { SignJWT } = await import('jose/jwt/sign')
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: key.algorithm, kid: key.id }).sign(key.key)
}

/** Takes a token apart without believing it; undefined when it is none. */
export async function parseWebToken(token: string): Promise<WebToken | undefined> {
  if (!isCanonical(token)) return undefined
  const [{ decodeJwt }, { decodeProtectedHeader }, { compactVerify }, { JOSEError }] = await Promise.all([
    import('jose/jwt/decode'),
    import('jose/decode/protected_header'),
    import('jose/jws/compact/verify'),
    import('jose/errors'),
  ])
  const content = attempt(() => ({ header: decodeProtectedHeader(token), claims: decodeJwt(token) }), isNoToken)
  // No extension that a header could call critical is understood here, `b64` included.
  if (!content || 'crit' in content.header) return undefined
  const { header, claims } = content
  return {
    keyId: typeof header.kid === 'string' ? header.kid : undefined,
    algorithm: typeof header.alg === 'string' ? header.alg : undefined,
    claims,
    async isSignedBy({ algorithm, key }) {
      try {
        await compactVerify(token, key, { algorithms: [algorithm] })
        return true
      } catch (error) {
        if (error instanceof JOSEError) return false
        throw error
      }
    },
  }

  function isNoToken(error: unknown): boolean {
    return error instanceof JOSEError || error instanceof TypeError || error instanceof SyntaxError
  }
}

/**
 * Whether each part is spelled as an encoder spells it (RFC 4648 §5, without padding): decoders also take padding, white space, the
 * other alphabet and stray bits at the end, and every further spelling of a token is one that a list of revoked ones does not know.
 */
function isCanonical(token: string): boolean {
  const parts = token.split('.', 4)
  return parts.length === 3 && parts.every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part)
}

function attempt<T>(read: () => T, isAnswer: (error: unknown) => boolean): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isAnswer(error)) return undefined // not a token, which is an answer and not a failure
    throw error
  }
}
