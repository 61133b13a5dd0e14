import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileIfPresent, writeFileAtomically } from '../../shared/certificates/atomic-file.ts'
import { decodePem, encodePem } from '../../shared/certificates/pem.ts'
import { type ReadCertificate, readCertificate } from '../../shared/certificates/read-certificate.ts'
import type { Random } from '../../shared/random/random.ts'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  certificate: string
  key: string
}

/** A certificate on disk, and what is known of it. */
export interface StoredCertificate extends KeyPair {
  read: ReadCertificate
}

/**
 * Certificate and key share one file, so that replacing it can never leave a certificate beside another's key.
 * Answers undefined when there is none or what is there is no matching pair.
 */
export function loadCertificate(file: string): StoredCertificate | undefined {
  const text = readFileIfPresent(file)
  if (text === undefined) return undefined
  try {
    const certificates = decodePem('CERTIFICATE', text).map((der) => encodePem('CERTIFICATE', der))
    const [keyBytes] = decodePem('PRIVATE KEY', text)
    const [first] = certificates
    if (!keyBytes || first === undefined) return undefined
    const key = encodePem('PRIVATE KEY', keyBytes)
    const read = readCertificate(first)
    return read.x509.checkPrivateKey(createPrivateKey(key)) ? { certificate: certificates.join(''), key, read } : undefined
  } catch {
    return undefined // unreadable is as good as absent: a new one is asked for
  }
}

export function storeCertificate(file: string, { certificate, key }: KeyPair): void {
  writeFileAtomically(file, `${certificate.trimEnd()}\n${key}`, { durable: true })
}

/** True when one of the authorities (PEM, one or more) signed the certificate. */
export function isIssuedBy({ x509 }: ReadCertificate, authorities: string): boolean {
  return decodePem('CERTIFICATE', authorities).some((der) => {
    const authority = new X509Certificate(der)
    return x509.checkIssued(authority) && x509.verify(authority.publicKey)
  })
}

/**
 * When to ask for the next one: after 70 to 90 % of its life, by chance, so that nodes that joined together do not renew together.
 * Milliseconds since the epoch.
 */
export function renewalTime({ notBefore, notAfter }: ReadCertificate, random: Random): number {
  return notBefore + (notAfter - notBefore) * (0.7 + 0.2 * random.fraction())
}
