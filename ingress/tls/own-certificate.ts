import { generateKeyPairSync } from 'node:crypto'
import { issueAuthority } from '../../shared/certificates/issue-certificate.ts'

const YEARS_MILLISECONDS = 10 * 365 * 24 * 60 * 60 * 1000
const BACKDATED_MILLISECONDS = 60 * 60 * 1000

/** A certificate that we signed ourselves, in PEM: for names without one. No client trusts it, and none should. */
export async function makeOwnCertificate(now: number): Promise<{ readonly cert: string; readonly key: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const content = {
    commonName: 'Coxswain Ingress, self-signed',
    notBefore: now - BACKDATED_MILLISECONDS,
    notAfter: now + YEARS_MILLISECONDS,
  }
  const cert = await issueAuthority({ privateKey, publicKey }, content)
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}
