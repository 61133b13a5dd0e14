import { X509Certificate } from 'node:crypto'
import { type AlternativeNames, alternativeNamesOf } from './alternative-names.ts'
import { type Subject, subjectOf } from './subject.ts'

/** A certificate, read as far as Kubernetes looks. */
export interface ReadCertificate {
  readonly subject: Subject
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly alternativeNames: AlternativeNames
  /** Node's own reader, for key checks and verification. */
  readonly x509: X509Certificate
}

/**
 * Reads the first certificate of PEM text, or DER bytes, by the reader that also checks TLS connections.
 * @throws Error when it is no certificate, or its subject is not plain text
 */
export function readCertificate(source: string | Uint8Array): ReadCertificate {
  const x509 = new X509Certificate(source)
  return {
    subject: subjectOf(x509),
    notBefore: x509.validFromDate.getTime(),
    notAfter: x509.validToDate.getTime(),
    alternativeNames: alternativeNamesOf(x509),
    x509,
  }
}
