import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfPresent, writeFileAtomically } from '../../shared/certificates/atomic-file.ts'
import { type Issuer, issueAuthority } from '../../shared/certificates/issue-certificate.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { UnusableFile } from './unusable-file.ts'

const DAY = 24 * 60 * 60 * 1000
const LIFETIME = 10 * 365 * DAY
/** Hosts whose clock is a little behind must accept what was just signed. */
export const CLOCK_SKEW = 5 * 60 * 1000

/**
 * The cluster's certificate authority: made on the first start, the same ever after, because every node and kubeconfig
 * trusts exactly this one.
 * @throws UnusableFile when the files are there but not usable; replacing them silently would lock everybody out.
 */
export async function loadOrMakeAuthority(directory: string, now: number, log: Logger): Promise<Issuer> {
  const keyPath = join(directory, 'ca.key')
  const certificatePath = join(directory, 'ca.crt')
  const certificate = readFileIfPresent(certificatePath)
  const key = readFileIfPresent(keyPath)
  if (certificate !== undefined && key === undefined) {
    throw new UnusableFile(keyPath, 'it is missing while ca.crt is there', CURE)
  }
  if (certificate !== undefined && key !== undefined) {
    checkAuthority({ certificate, key }, certificatePath, keyPath, now, log)
    return { certificate, key }
  }
  // A key without a certificate is a first start that was interrupted between the two files: go on with that key.
  const usableKey = key ?? newKey(keyPath)
  const privateKey = parseKey(usableKey, keyPath)
  const made = await issueAuthority(
    { privateKey, publicKey: createPublicKey(privateKey) },
    { commonName: 'kubernetes', notBefore: now - CLOCK_SKEW, notAfter: now + LIFETIME },
  )
  writeFileAtomically(certificatePath, made, { mode: 0o644, durable: true })
  log.info('made the certificate authority of a new cluster', { file: certificatePath })
  return { certificate: made, key: usableKey }
}

const CURE =
  'restore it from a backup; or, to found a new identity for the cluster, remove the whole pki folder: then every kubeconfig and every node must join again'

function newKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  writeFileAtomically(path, text, { durable: true })
  return text
}

function parseKey(text: string, path: string) {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw new UnusableFile(path, 'it is no private key (cut short or damaged?)', CURE, cause)
  }
}

function checkAuthority({ certificate, key }: Issuer, certificatePath: string, keyPath: string, now: number, log: Logger): void {
  const privateKey = parseKey(key, keyPath)
  const read = parseCertificate(certificate, certificatePath)
  if (!read.x509.ca) throw new UnusableFile(certificatePath, 'it is a certificate, but not of an authority', CURE)
  if (!read.x509.checkPrivateKey(privateKey)) throw new UnusableFile(keyPath, 'it does not belong to ca.crt', CURE)
  if (now >= read.notAfter) throw new UnusableFile(certificatePath, `it expired at ${new Date(read.notAfter).toISOString()}`, CURE)
  if (now < read.notBefore) {
    const since = new Date(read.notBefore).toISOString()
    throw new UnusableFile(certificatePath, `it is valid only from ${since}`, 'set the clock of this machine')
  }
  if (read.notAfter - now < 365 * DAY) log.warn('the certificate authority expires within a year', { file: certificatePath })
}

function parseCertificate(text: string, path: string) {
  try {
    return readCertificate(text)
  } catch (cause) {
    throw new UnusableFile(path, 'it is no certificate (cut short or damaged?)', CURE, cause)
  }
}
