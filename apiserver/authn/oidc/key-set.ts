import { createPublicKey, type KeyObject } from 'node:crypto'
import { type SigningAlgorithm, signingAlgorithms } from './signing-algorithms.ts'

/** A public key of a provider, and what it may have signed with. */
export interface ProviderKey {
  /** `kid`; undefined: of any token. */
  readonly id: string | undefined
  readonly algorithms: readonly SigningAlgorithm[]
  readonly key: KeyObject
}

/** Keys of one set that are looked at. Each may be tried with a token that names none. */
const MOST_KEYS = 100
/** Bits of an RSA modulus: what is shorter can be broken, what is longer takes long to check. */
const RSA_BITS = { least: 2048, most: 8192 }

/** Keys of a JSON Web Key Set (RFC 7517) that check signatures; those for other uses, of other kinds, or unreadable are passed over. @throws Error for what is no set */
export function readKeySet(document: Readonly<Record<string, unknown>>): readonly ProviderKey[] {
  const { keys } = document
  if (!Array.isArray(keys)) throw new Error('the key set has no list of keys')
  return keys.slice(0, MOST_KEYS).flatMap((jwk: unknown) => readKey(jwk) ?? [])
}

function readKey(jwk: unknown): ProviderKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { kid, use, alg, kty, crv, n, e, x, y }: Partial<Record<string, unknown>> = Object.fromEntries(Object.entries(jwk))
  if (use !== undefined && use !== 'sig') return undefined
  // A symmetric key in a published set is known to everybody.
  if (kty !== 'RSA' && kty !== 'EC') return undefined
  const own = signingAlgorithms.filter((algorithm) => (kty === 'RSA' ? /^[RP]S/ : curveAlgorithms[String(crv)])?.test(algorithm))
  const algorithms = alg === undefined ? own : own.filter((algorithm) => algorithm === alg)
  if (algorithms.length === 0) return undefined
  const key = publicKey(kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y })
  return key && { id: typeof kid === 'string' ? kid : undefined, algorithms, key }
}

const curveAlgorithms: Readonly<Record<string, RegExp>> = { 'P-256': /^ES256$/, 'P-384': /^ES384$/, 'P-521': /^ES512$/ }

function publicKey(jwk: Record<string, unknown>): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const bits = key.asymmetricKeyDetails?.modulusLength
    return bits === undefined || (bits >= RSA_BITS.least && bits <= RSA_BITS.most) ? key : undefined
  } catch {
    return undefined // one broken key of a set is no reason to know none of it
  }
}
