import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '../logging/logger.ts'
import type { AlternativeNames } from './alternative-names.ts'
import { type AtomicWrite, createFileOnce, readFileIfPresent, writeFileAtomically } from './atomic-file.ts'
import { CLOCK_SKEW } from './certificate-authority.ts'
import { type ExtendedUsage, type Issuer, issueCertificate } from './issue-certificate.ts'
import { readCertificate } from './read-certificate.ts'
import type { Subject } from './subject.ts'

const YEAR = 365 * 24 * 60 * 60 * 1000

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** What a process's own certificate must say. */
export interface LeafWish {
  /** File name without ending, in the folder. */
  readonly file: string
  readonly subject: Subject
  readonly usages: readonly ExtendedUsage[]
  readonly names?: AlternativeNames | undefined
  /** Milliseconds that it is valid, unless its authority ends earlier; default: a year. */
  readonly lifetime?: number | undefined
}

/**
 * The certificate from the folder when it still says what is wished, else a new one. These files can be made again at
 * any time, so damaged ones are replaced, with a warning. Of several processes that start at once with one folder, all get the same.
 */
export async function loadOrIssueLeaf(directory: string, authority: Issuer, wish: LeafWish, now: number, log: Logger): Promise<KeyPair> {
  const certificatePath = join(directory, `${wish.file}.crt`)
  const keyPath = join(directory, `${wish.file}.key`)
  const certificate = readFileIfPresent(certificatePath)
  const present = readFileIfPresent(keyPath)
  if (certificate !== undefined && present !== undefined) {
    const objection = objectionTo({ certificate, key: present }, authority, wish, now)
    if (objection === undefined) return { certificate, key: present }
    log.info('issuing a certificate again', { file: certificatePath, why: objection })
  }
  // A key without a certificate is another process between the two files, or one that was interrupted there: go on with that key.
  const isFirst = certificate === undefined && (present === undefined || isPrivateKey(present))
  const place = isFirst ? createFileOnce : replaceFile
  const key = place(keyPath, newKey())
  const issued = await issueCertificate(authority, {
    ...wish,
    publicKey: createPublicKey(key),
    notBefore: now - CLOCK_SKEW,
    notAfter: Math.min(now + (wish.lifetime ?? YEAR), readCertificate(authority.certificate).notAfter),
  })
  return { key, certificate: place(certificatePath, issued, { mode: 0o644 }) }
}

function newKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function isPrivateKey(text: string): boolean {
  try {
    createPrivateKey(text)
    return true
  } catch {
    return false
  }
}

function replaceFile(path: string, content: string, options?: AtomicWrite): string {
  writeFileAtomically(path, content, options)
  return content
}

/** Why a certificate cannot stay, or undefined. */
function objectionTo(pair: KeyPair, authority: Issuer, wish: LeafWish, now: number): string | undefined {
  try {
    const read = readCertificate(pair.certificate)
    const issuer = readCertificate(authority.certificate)
    if (!read.x509.checkIssued(issuer.x509) || !read.x509.verify(issuer.x509.publicKey)) return 'it is of another authority'
    if (!read.x509.checkPrivateKey(createPrivateKey(pair.key))) return 'its key is another'
    if (now < read.notBefore) return 'it is not valid yet'
    // Renewed in the last third of its life, so that a machine that is off for months still starts with a valid one.
    const isOld = read.notAfter - now < (wish.lifetime ?? YEAR) / 3
    if (isOld && read.notAfter < issuer.notAfter) return 'it expires soon'
    if (now >= read.notAfter) return 'it expired'
    if (canonical(read.subject) !== canonical(wish.subject)) return 'it names another subject'
    if (!sameNames(read.alternativeNames, wish.names)) return 'the names it is for changed'
    return undefined
  } catch (error) {
    return `it is not readable: ${error instanceof Error ? error.message : String(error)}`
  }
}

const canonical = ({ commonName, organizations }: Subject) => JSON.stringify([commonName, [...organizations].sort()])

function sameNames(present: AlternativeNames, wished: AlternativeNames | undefined): boolean {
  const sorted = (names: AlternativeNames | undefined) => JSON.stringify([...(names?.dnsNames ?? []), ...(names?.ipAddresses ?? [])].sort())
  return sorted(present) === sorted(wished)
}
