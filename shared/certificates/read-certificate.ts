import { X509Certificate } from 'node:crypto'
import { type DerNode, derTag, expectTag, readDer, readDerAll } from './der.ts'
import { readName, type Subject } from './distinguished-name.ts'
import { extensionOid, findExtension } from './extensions.ts'

/** A certificate, read as far as Kubernetes looks. */
export interface ReadCertificate {
  readonly subject: Subject
  /** The subject as encoded: what certificates it issues must carry as issuer. */
  readonly subjectBytes: Buffer
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyBytes: Buffer
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** The value of the subjectAltName extension; see `readAlternativeNames`. */
  readonly alternativeNames: Buffer | undefined
  /** Node's own reader, for key checks and verification. */
  readonly x509: X509Certificate
}

/** Reads the first certificate of PEM text, or DER bytes. @throws Error when it is no certificate */
export function readCertificate(source: string | Uint8Array): ReadCertificate {
  const x509 = new X509Certificate(source)
  const [toBeSigned] = readDerAll(readDer(x509.raw, derTag.sequence).content)
  const fields = readDerAll(expectTag(toBeSigned, derTag.sequence).content)
  // [0] version, serial, algorithm, issuer, validity, subject, public key; a v1 certificate has no version field.
  const base = fields[0]?.tag === derTag.context(0) ? 1 : 0
  const subject = expectTag(fields[base + 4], derTag.sequence)
  return {
    subject: readName(subject),
    subjectBytes: subject.whole,
    publicKeyBytes: expectTag(fields[base + 5], derTag.sequence).whole,
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
    alternativeNames: findExtensionIn(fields),
    x509,
  }
}

function findExtensionIn(fields: readonly DerNode[]): Buffer | undefined {
  const wrapper = fields.find((field) => field.tag === derTag.context(3))
  return wrapper && findExtension(readDer(wrapper.content, derTag.sequence), extensionOid.subjectAlternativeName)
}
