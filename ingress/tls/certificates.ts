import type { SecureContext } from 'node:tls'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Secret } from '../../shared/openapi/generated/core-v1.ts'
import type { Ingress } from '../../shared/openapi/generated/networking-v1.ts'
import { type IngressProblem, wildcardOf } from '../routing/route-table.ts'
import { type TlsHost, tlsHosts } from './tls-hosts.ts'
import { readTlsSecret, type ServingCertificate } from './tls-secret.ts'

/** What is known of one Secret. */
interface Known {
  /** The last one that could be used. */
  certificate?: ServingCertificate | undefined
  /** What is wrong with the present one. */
  problem?: string | undefined
}

/**
 * Which certificate is shown for which name. A Secret that changes counts from the next handshake on; one that breaks harms only its own hosts,
 * and those go on with the last certificate that could be used, or with our own.
 */
export class Certificates {
  readonly #log: Logger
  #hosts: ReadonlyMap<string, TlsHost> = new Map()
  readonly #secrets = new Map<string, Known>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Takes in what the Ingresses say. Answers the Secrets to know, `namespace/name`. */
  follow(ingresses: readonly Ingress[]): ReadonlySet<string> {
    this.#hosts = tlsHosts(ingresses)
    const wanted = new Set([...this.#hosts.values()].flatMap(({ secret }) => secret ?? []))
    for (const secret of this.#secrets.keys()) if (!wanted.has(secret)) this.#secrets.delete(secret)
    for (const secret of wanted) if (!this.#secrets.has(secret)) this.#secrets.set(secret, {})
    return wanted
  }

  /** The present state of a Secret; undefined: there is none. */
  set(key: string, secret: Secret | undefined): void {
    const known = this.#secrets.get(key)
    if (!known) return
    try {
      if (!secret) throw new Error('there is no such Secret')
      const certificate = readTlsSecret(secret)
      if (known.certificate) this.#log.info('a certificate was replaced', { secret: key, notAfter: certificate.x509.validTo })
      this.#secrets.set(key, { certificate })
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      this.#log.warn('a certificate cannot be used', { secret: key, why: problem })
      this.#secrets.set(key, { certificate: known.certificate, problem })
    }
  }

  /** Undefined: our own certificate. */
  contextFor(serverName: string): SecureContext | undefined {
    const secret = this.#of(serverName.toLowerCase())?.secret
    return secret === undefined ? undefined : this.#secrets.get(secret)?.certificate?.context
  }

  hasTls(host: string): boolean {
    return this.#of(host) !== undefined
  }

  /** @param now milliseconds since the epoch */
  *problems(now: number): Generator<IngressProblem> {
    for (const [host, { ingress, secret }] of this.#hosts) {
      const known = secret === undefined ? undefined : this.#secrets.get(secret)
      if (!known) continue
      const name = `Secret ${secret}`
      const { certificate, problem } = known
      if (problem !== undefined) {
        const instead = certificate ? 'the certificate from before' : 'a certificate of ours, which browsers refuse,'
        yield { ingress, reason: 'BadCertificate', message: `${name} cannot be used for ${host}: ${problem}; ${instead} is shown instead` }
      } else if (certificate && certificate.notAfter < now) {
        yield {
          ingress,
          reason: 'CertificateExpired',
          message: `the certificate in ${name} for ${host} has run out on ${certificate.x509.validTo}`,
        }
      } else if (certificate && certificate.x509.checkHost(host.replace(/^\*\./, 'any.')) === undefined) {
        yield { ingress, reason: 'CertificateForOtherHost', message: `the certificate in ${name} is not for ${host}` }
      }
    }
  }

  /** When certificates run out, in seconds since the epoch, by Secret. */
  *expiries(): Generator<{ secret: string; seconds: number }> {
    for (const [secret, { certificate }] of this.#secrets) {
      if (certificate) yield { secret, seconds: Math.floor(certificate.notAfter / 1000) }
    }
  }

  #of(host: string): TlsHost | undefined {
    return this.#hosts.get(host) ?? this.#hosts.get(wildcardOf(host))
  }
}
