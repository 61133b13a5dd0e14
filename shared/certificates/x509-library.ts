import type { KeyObject, webcrypto } from 'node:crypto'

/**
 * `@peculiar/x509`, loaded with the first certificate or request that is made, or request that is read: it takes 0.1 s and 20 MB, which a
 * server that only checks certificates never pays (Node's own reader does for that).
 */
export async function x509Library(): Promise<typeof import('@peculiar/x509')> {
  // The library finds its parts by decorators; they need this first.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** A private key as the library signs with it, always over SHA-256. @throws Error for keys that certificates are not signed with */
export function signingKey(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(signatureAlgorithm(key), false, ['sign'])
}

/** The public half of a private key that `signingKey` takes. */
export function verifyingKey(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(signatureAlgorithm(key), true, ['verify'])
}

/** What the library is told about a signature besides the key. */
export const signingAlgorithm = { name: '', hash: 'SHA-256' } as const

function signatureAlgorithm(key: KeyObject) {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const curve = type === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined
  if (curve !== undefined) return { name: 'ECDSA', namedCurve: curve }
  if (type === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  throw new Error(`cannot sign certificates with a key of type ${type} ${details?.namedCurve ?? ''}; use RSA or EC on a NIST curve`)
}

/** OpenSSL's names of the curves → WebCrypto's. */
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }
