import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { createFileOnce, readFileIfPresent, writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import { decodePem, encodePem } from '../../shared/certificates/pem.ts'
import { UnusableFile } from '../../shared/certificates/unusable-file.ts'

/** A public key that service-account tokens may be signed with; `id` is the `kid` of their header. */
export interface VerifyingKey {
  readonly id: string
  readonly algorithm: 'ES256' | 'RS256'
  readonly key: KeyObject
}

export interface ServiceAccountKeys {
  readonly signing: VerifyingKey
  /** The signing key's public half first; then further keys of service-account.pub, so that a key can be replaced without breaking tokens. */
  readonly verifying: readonly VerifyingKey[]
}

/**
 * The keys of service-account tokens, made on the first start.
 * @throws UnusableFile when a file is damaged: with another key, all tokens that Pods hold would stop working.
 */
export function loadOrMakeServiceAccountKeys(directory: string): ServiceAccountKeys {
  const keyPath = join(directory, 'service-account.key')
  const publicPath = join(directory, 'service-account.pub')
  const signingKey = parse(readFileIfPresent(keyPath) ?? newKey(keyPath), keyPath, createPrivateKey)
  const own = createPublicKey(signingKey)
  const ownPem = encodePem('PUBLIC KEY', own.export({ type: 'spki', format: 'der' }))
  const others = decodePem('PUBLIC KEY', readFileIfPresent(publicPath) ?? '')
    .map((block) => encodePem('PUBLIC KEY', block))
    .filter((text) => text !== ownPem)
  writeFileIfDifferent(publicPath, [ownPem, ...others].join(''), { mode: 0o644 })
  const verifying = [own, ...others.map((text) => parse(text, publicPath, createPublicKey))].map((key) => describeKey(key, publicPath))
  return { signing: { ...describeKey(own, keyPath), key: signingKey }, verifying }
}

function newKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return createFileOnce(path, text, { durable: true })
}

function parse(text: string, path: string, read: (text: string) => KeyObject): KeyObject {
  try {
    return read(text)
  } catch (cause) {
    throw new UnusableFile(
      path,
      'it holds no usable key (cut short or damaged?)',
      'restore it, or remove it: all service-account tokens are then issued anew',
      cause,
    )
  }
}

/** The key id is the digest of the key itself, as upstream has it, so that it needs no bookkeeping. */
function describeKey(key: KeyObject, path: string): VerifyingKey {
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  if (key.asymmetricKeyType === 'rsa') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    if (bits < 2048) throw new UnusableFile(path, `its RSA key has ${bits} bits`, 'use one of at least 2048 bits')
    return { id, algorithm: 'RS256', key }
  }
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return { id, algorithm: 'ES256', key }
  throw new UnusableFile(path, 'its key is neither RSA nor on the curve P-256', 'use one of those')
}
