import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Logger } from '../logging/logger.ts'
import { createFileOnce, readFileIfPresent } from './atomic-file.ts'
import { type Issuer, issueAuthority } from './issue-certificate.ts'
import { readCertificate } from './read-certificate.ts'
import { UnusableFile } from './unusable-file.ts'

const DAY = 24 * 60 * 60 * 1000
const LIFETIME = 10 * 365 * DAY
/** Hosts whose clock is a little behind must accept what was just signed. */
export const CLOCK_SKEW = 5 * 60 * 1000

/** Which authority, and what its files are called without ending. */
export interface AuthorityWish {
  readonly file: string
  readonly commonName: string
  /** What to do when its files are there and cannot be used. */
  readonly cure: string
}

/**
 * An authority that is made on the first start and is the same ever after, because others trust exactly this one.
 * Of several processes that start at once with one folder, each file is made by the first that comes to it.
 * @throws UnusableFile when the files are there but not usable; replacing them silently would lock everybody out.
 */
export async function loadOrMakeAuthority(directory: string, now: number, log: Logger, wish: AuthorityWish): Promise<Issuer> {
  const { file, commonName, cure } = wish
  const keyPath = join(directory, `${file}.key`)
  const certificatePath = join(directory, `${file}.crt`)
  const certificate = readFileIfPresent(certificatePath)
  const key = readFileIfPresent(keyPath)
  if (certificate !== undefined && key === undefined) {
    throw new UnusableFile(keyPath, `it is missing while ${file}.crt is there`, cure)
  }
  if (certificate !== undefined && key !== undefined) {
    checkAuthority({ certificate, key }, { certificatePath, keyPath, cure, now, log })
    return { certificate, key }
  }
  // A key without a certificate is a first start that was interrupted between the two files, or another server that is between them: go on with that key.
  const usableKey = key ?? newKey(keyPath)
  const privateKey = parseKey(usableKey, keyPath, cure)
  const made = await issueAuthority(
    { privateKey, publicKey: createPublicKey(privateKey) },
    { commonName, notBefore: now - CLOCK_SKEW, notAfter: now + LIFETIME },
  )
  const kept = createFileOnce(certificatePath, made, { mode: 0o644, durable: true })
  if (kept === made) log.info('made a certificate authority', { file: certificatePath })
  return { certificate: kept, key: usableKey }
}

function newKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return createFileOnce(path, text, { durable: true })
}

function parseKey(text: string, path: string, cure: string) {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw new UnusableFile(path, 'it is no private key (cut short or damaged?)', cure, cause)
  }
}

interface Check {
  readonly certificatePath: string
  readonly keyPath: string
  readonly cure: string
  readonly now: number
  readonly log: Logger
}

function checkAuthority({ certificate, key }: Issuer, { certificatePath, keyPath, cure, now, log }: Check): void {
  const privateKey = parseKey(key, keyPath, cure)
  const read = parseCertificate(certificate, certificatePath, cure)
  if (!read.x509.ca) throw new UnusableFile(certificatePath, 'it is a certificate, but not of an authority', cure)
  if (!read.x509.checkPrivateKey(privateKey)) throw new UnusableFile(keyPath, `it does not belong to ${basename(certificatePath)}`, cure)
  if (now >= read.notAfter) throw new UnusableFile(certificatePath, `it expired at ${new Date(read.notAfter).toISOString()}`, cure)
  if (now < read.notBefore) {
    const since = new Date(read.notBefore).toISOString()
    throw new UnusableFile(certificatePath, `it is valid only from ${since}`, 'set the clock of this machine')
  }
  if (read.notAfter - now < 365 * DAY) log.warn('the certificate authority expires within a year', { file: certificatePath })
}

function parseCertificate(text: string, path: string, cure: string) {
  try {
    return readCertificate(text)
  } catch (cause) {
    throw new UnusableFile(path, 'it is no certificate (cut short or damaged?)', cure, cause)
  }
}
