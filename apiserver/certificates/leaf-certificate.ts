import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { AlternativeNames } from '../../shared/certificates/alternative-names.ts'
import { readFileIfPresent, writeFileAtomically } from '../../shared/certificates/atomic-file.ts'
import { type ExtendedUsage, type Issuer, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import type { Subject } from '../../shared/certificates/subject.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { CLOCK_SKEW } from './certificate-authority.ts'

const LIFETIME = 365 * 24 * 60 * 60 * 1000
/** Renewed in the last third of its life, so that a machine that is off for months still starts with a valid one. */
const RENEW_BEFORE = LIFETIME / 3

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** What a certificate of the API server's own must say. */
export interface LeafWish {
  /** File name without ending, in the pki folder. */
  readonly file: string
  readonly subject: Subject
  readonly usages: readonly ExtendedUsage[]
  readonly names?: AlternativeNames | undefined
}

/**
 * The certificate from the folder when it still says what is wished, else a new one. These files can be made again at
 * any time, so damaged ones are replaced, with a warning.
 */
export async function loadOrIssueLeaf(directory: string, authority: Issuer, wish: LeafWish, now: number, log: Logger): Promise<KeyPair> {
  const certificatePath = join(directory, `${wish.file}.crt`)
  const keyPath = join(directory, `${wish.file}.key`)
  const certificate = readFileIfPresent(certificatePath)
  const key = readFileIfPresent(keyPath)
  if (certificate !== undefined && key !== undefined) {
    const objection = objectionTo({ certificate, key }, authority, wish, now)
    if (objection === undefined) return { certificate, key }
    log.info('issuing a certificate again', { file: certificatePath, why: objection })
  }
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issued = {
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: await issueCertificate(authority, {
      ...wish,
      publicKey: pair.publicKey,
      notBefore: now - CLOCK_SKEW,
      notAfter: Math.min(now + LIFETIME, readCertificate(authority.certificate).notAfter),
    }),
  }
  writeFileAtomically(keyPath, issued.key)
  writeFileAtomically(certificatePath, issued.certificate, { mode: 0o644 })
  return issued
}

/** Why a certificate cannot stay, or undefined. */
function objectionTo(pair: KeyPair, authority: Issuer, wish: LeafWish, now: number): string | undefined {
  try {
    const read = readCertificate(pair.certificate)
    const issuer = readCertificate(authority.certificate)
    if (!read.x509.checkIssued(issuer.x509) || !read.x509.verify(issuer.x509.publicKey)) return 'it is of another authority'
    if (!read.x509.checkPrivateKey(createPrivateKey(pair.key))) return 'its key is another'
    if (now < read.notBefore) return 'it is not valid yet'
    if (read.notAfter - now < RENEW_BEFORE && read.notAfter < issuer.notAfter) return 'it expires soon'
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
