import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { basename, join } from 'node:path'
import { createFileOnce, readFileIfPresent } from '../../shared/certificates/atomic-file.ts'
import { type Issuer, issueAuthority } from '../../shared/certificates/issue-certificate.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { UnusableFile } from './unusable-file.ts'

const DAY = 24 * 60 * 60 * 1000
const LIFETIME = 10 * 365 * DAY
/** Hosts whose clock is a little behind must accept what was just signed. */
export const CLOCK_SKEW = 5 * 60 * 1000

/** Which authority, and what its files are called without ending. */
export interface AuthorityWish {
  readonly file: string
  readonly commonName: string
}

/** Signs who people, nodes and servers are. */
export const CLUSTER: AuthorityWish = { file: 'ca', commonName: 'kubernetes' }
/** Signs the one who may say to extension servers whom it speaks for: whoever trusts it believes every name, so it signs nobody else. */
export const FRONT_PROXY: AuthorityWish = { file: 'front-proxy-ca', commonName: 'front-proxy-ca' }

/**
 * The cluster's certificate authority: made on the first start, the same ever after, because every node and kubeconfig
 * trusts exactly this one. Of several servers that start at once with one folder, each file is made by the first that comes to it.
 * @throws UnusableFile when the files are there but not usable; replacing them silently would lock everybody out.
 */
export async function loadOrMakeAuthority(directory: string, now: number, log: Logger, wish = CLUSTER): Promise<Issuer> {
  const { file, commonName } = wish
  const keyPath = join(directory, `${file}.key`)
  const certificatePath = join(directory, `${file}.crt`)
  const certificate = readFileIfPresent(certificatePath)
  const key = readFileIfPresent(keyPath)
  if (certificate !== undefined && key === undefined) {
    throw new UnusableFile(keyPath, `it is missing while ${file}.crt is there`, CURE)
  }
  if (certificate !== undefined && key !== undefined) {
    checkAuthority({ certificate, key }, certificatePath, keyPath, now, log)
    return { certificate, key }
  }
  // A key without a certificate is a first start that was interrupted between the two files, or another server that is between them: go on with that key.
  const usableKey = key ?? newKey(keyPath)
  const privateKey = parseKey(usableKey, keyPath)
  const made = await issueAuthority(
    { privateKey, publicKey: createPublicKey(privateKey) },
    { commonName, notBefore: now - CLOCK_SKEW, notAfter: now + LIFETIME },
  )
  const kept = createFileOnce(certificatePath, made, { mode: 0o644, durable: true })
  if (kept === made) log.info('made a certificate authority of a new cluster', { file: certificatePath })
  return { certificate: kept, key: usableKey }
}

const CURE =
  'restore it from a backup; or, to found a new identity for the cluster, remove the whole pki folder: then every kubeconfig and every node must join again'

function newKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return createFileOnce(path, text, { durable: true })
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
  if (!read.x509.checkPrivateKey(privateKey)) throw new UnusableFile(keyPath, `it does not belong to ${basename(certificatePath)}`, CURE)
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
