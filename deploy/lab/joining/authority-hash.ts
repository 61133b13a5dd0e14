import { createHash, X509Certificate } from 'node:crypto'
import { decodePem, encodePem } from '../../../shared/certificates/pem.ts'

/** `sha256:<64 hex digits>` of an authority's public key (DER, SubjectPublicKeyInfo): kubeadm's `--discovery-token-ca-cert-hash`. */
export function authorityHash(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

export function isAuthorityHash(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text)
}

/** Those of the authorities (PEM, one or more) that have one of the hashes. */
export function pinnedAuthorities(authorities: string, hashes: readonly string[]): string[] {
  return decodePem('CERTIFICATE', authorities)
    .map((der) => encodePem('CERTIFICATE', der))
    .filter((certificate) => hashes.includes(authorityHash(certificate)))
}
