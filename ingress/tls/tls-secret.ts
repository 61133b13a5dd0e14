import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { own } from '../../shared/objects/own.ts'
import type { Secret } from '../../shared/openapi/generated/core-v1.ts'

/** A certificate that can be shown to clients. */
export interface ServingCertificate {
  readonly context: SecureContext
  readonly x509: X509Certificate
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** A Secret that holds nothing to serve with; the message is for the author of the Ingress. */
export class BadCertificate extends Error {
  override readonly name = 'BadCertificate'
}

/** Reads `tls.crt` and `tls.key`, whatever type the Secret says. @throws BadCertificate */
export function readTlsSecret({ data }: Secret): ServingCertificate {
  const cert = part(data, 'tls.crt')
  const key = part(data, 'tls.key')
  const x509 = attempt('tls.crt holds no certificate in PEM', () => new X509Certificate(cert))
  const privateKey = attempt('tls.key holds no private key in PEM, or one with a passphrase', () => createPrivateKey(key))
  if (!x509.checkPrivateKey(privateKey)) throw new BadCertificate('tls.key does not belong to the certificate in tls.crt')
  const context = attempt('tls.crt and tls.key cannot be used together', () => createSecureContext({ cert, key, minVersion: 'TLSv1.2' }))
  return { context, x509, notAfter: x509.validToDate.getTime() }
}

function part(data: Secret['data'], name: string): Buffer {
  const text = own(data, name)
  if (!text) throw new BadCertificate(`it has no ${name}`)
  return Buffer.from(text, 'base64')
}

function attempt<T>(sentence: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new BadCertificate(sentence, { cause })
  }
}
