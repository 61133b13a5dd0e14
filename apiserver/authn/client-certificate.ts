import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { systemGroup } from './system-names.ts'
import type { Authenticator, User } from './user.ts'

interface Identity {
  readonly user: User
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * Users by client certificate: the common name is the user, the organisations are the groups. The TLS layer has verified
 * the chain and the usage; what is left is what may change while a connection lives: the validity in time.
 *
 * A connection gives the same bytes object with each of its requests, so a certificate is read once a connection.
 */
export function clientCertificateAuthenticator(clock: Clock): Authenticator {
  const identities = new WeakMap<Uint8Array, Identity>()
  return {
    name: 'client certificate',
    authenticate({ clientCertificate, certificateProblem }) {
      if (certificateProblem !== undefined) throw new StatusError('Unauthorized', `client certificate: ${certificateProblem}`)
      if (clientCertificate === undefined) return undefined
      let identity = identities.get(clientCertificate)
      if (!identity) identities.set(clientCertificate, (identity = identityOf(clientCertificate)))
      const now = clock.now()
      if (now < identity.notBefore) throw new StatusError('Unauthorized', 'client certificate: not yet valid')
      if (now > identity.notAfter) throw new StatusError('Unauthorized', 'client certificate: expired')
      return identity.user
    },
  }
}

function identityOf(bytes: Uint8Array): Identity {
  const { subject, notBefore, notAfter, x509 } = read(bytes)
  if (subject.commonName === '') throw new StatusError('Unauthorized', 'client certificate: its subject has no common name')
  const fingerprint = x509.fingerprint256.replaceAll(':', '').toLowerCase()
  return {
    notBefore,
    notAfter,
    user: {
      name: subject.commonName,
      groups: [...new Set([...subject.organizations, systemGroup.authenticated])],
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
    },
  }
}

function read(bytes: Uint8Array) {
  try {
    return readCertificate(bytes)
  } catch (cause) {
    throw new StatusError('Unauthorized', 'client certificate: not readable', { cause })
  }
}
