import { objectKey } from '../../shared/objects/object.ts'
import type { Ingress } from '../../shared/openapi/generated/networking-v1.ts'
import { systemUser } from '../authn/system-names.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { AccessDecision, Authorizer } from './authorizer.ts'

const ALLOW: AccessDecision = { decision: 'allow', reason: '' }
const NO: AccessDecision = { decision: 'noOpinion', reason: '' }
const READING: readonly string[] = ['get', 'list', 'watch']

/**
 * Who serves Ingresses reads the Secrets that an Ingress names for TLS, each by its name, and no others: the process that the whole world talks
 * to would else hold every password of the cluster. The same thought as the node authoriser's. All else it may is a role's.
 */
export function ingressAuthorizer(reader: ObjectReader): Authorizer {
  // Followed from the first question on: most API servers of tests are never asked.
  let named: NamedSecrets | undefined
  return {
    name: 'Ingress',
    authorize({ user, verb, group, resource, subresource, namespace, name, path }) {
      if (user.name !== systemUser.ingress || path !== undefined || group !== '' || resource !== 'secrets') return NO
      if (subresource !== '' || name === '' || namespace === '' || !READING.includes(verb)) return NO
      named ??= new NamedSecrets(reader)
      if (named.has(`${namespace}/${name}`)) return ALLOW
      return { decision: 'noOpinion', reason: 'no Ingress of this namespace names this Secret in spec.tls' }
    },
  }
}

/** Secrets by `namespace/name`, and the Ingresses that name them. */
class NamedSecrets {
  readonly #byIngress = new Map<string, readonly string[]>()
  readonly #counts = new Map<string, number>()

  constructor(reader: ObjectReader) {
    reader.follow('networking.k8s.io/v1', 'Ingress', (current, previous) => {
      const key = objectKey((current ?? previous)!)
      this.#count(this.#byIngress.get(key) ?? [], -1)
      const secrets = current ? secretsOf(current) : []
      this.#byIngress.set(key, secrets)
      if (!current) this.#byIngress.delete(key)
      this.#count(secrets, +1)
    })
  }

  has(secret: string): boolean {
    return this.#counts.has(secret)
  }

  #count(secrets: readonly string[], step: 1 | -1): void {
    for (const secret of secrets) {
      const count = (this.#counts.get(secret) ?? 0) + step
      if (count > 0) this.#counts.set(secret, count)
      else this.#counts.delete(secret)
    }
  }
}

function secretsOf({ metadata, spec }: Ingress): string[] {
  return (spec.tls ?? []).flatMap(({ secretName }) => (secretName ? [`${metadata.namespace}/${secretName}`] : []))
}
