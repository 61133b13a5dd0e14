import type { TokenIssue } from '../registry/define-resource.ts'
import { serviceAccountGroups, serviceAccountUser, systemGroup } from './system-names.ts'
import type { User } from './user.ts'

/** An object that a token names: it is only good while that object lives. */
export interface Reference {
  readonly name: string
  readonly uid: string
}

/** What a service-account token says, checked for shape. Times in seconds since the epoch. */
export interface ServiceAccountClaims {
  readonly audiences: readonly string[]
  readonly expires: number
  readonly notBefore: number
  readonly id: string | undefined
  readonly namespace: string
  readonly account: Reference
  readonly pod: Reference | undefined
  readonly secret: Reference | undefined
  readonly node: Reference | undefined
}

/** The claims of a new token, spelled as Kubernetes spells them. `now` in milliseconds. */
export function writeClaims(
  request: TokenIssue,
  { issuer, id, now }: { issuer: string; id: string; now: number },
): Record<string, unknown> {
  const issued = Math.floor(now / 1000)
  const { namespace, serviceAccount, boundObject: bound } = request
  const node = bound?.kind === 'Node' ? bound : request.node
  const reference = ({ name, uid }: Reference) => ({ name, uid })
  return {
    aud: request.audiences,
    exp: issued + request.expirationSeconds,
    iat: issued,
    iss: issuer,
    jti: id,
    'kubernetes.io': {
      namespace,
      ...(node ? { node: reference(node) } : {}),
      ...(bound?.kind === 'Pod' ? { pod: reference(bound) } : {}),
      ...(bound?.kind === 'Secret' ? { secret: reference(bound) } : {}),
      serviceaccount: reference(serviceAccount),
    },
    nbf: issued,
    sub: serviceAccountUser(namespace, serviceAccount.name),
  }
}

/** Reads claims; undefined when they are not those of a service account. */
export function readClaims(claims: Readonly<Record<string, unknown>>): ServiceAccountClaims | undefined {
  const bound = record(claims['kubernetes.io'])
  const namespace = bound['namespace']
  const account = referenceIn(bound, 'serviceaccount')
  const { aud, exp, nbf = 0, jti, sub } = claims
  const audiences = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.filter((audience) => typeof audience === 'string') : []
  if (typeof namespace !== 'string' || !account || typeof exp !== 'number' || typeof nbf !== 'number') return undefined
  if (sub !== serviceAccountUser(namespace, account.name)) return undefined
  return {
    audiences,
    expires: exp,
    notBefore: nbf,
    id: typeof jti === 'string' ? jti : undefined,
    namespace,
    account,
    pod: referenceIn(bound, 'pod'),
    secret: referenceIn(bound, 'secret'),
    node: referenceIn(bound, 'node'),
  }
}

/** The user that a token stands for, with what it is bound to as extra facts. */
export function userOf({ namespace, account, pod, node, id }: ServiceAccountClaims): User {
  const extra: Record<string, string[]> = {}
  const prefix = 'authentication.kubernetes.io'
  if (id !== undefined) extra[`${prefix}/credential-id`] = [`JTI=${id}`]
  if (node) Object.assign(extra, { [`${prefix}/node-name`]: [node.name], [`${prefix}/node-uid`]: [node.uid] })
  if (pod) Object.assign(extra, { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] })
  return {
    name: serviceAccountUser(namespace, account.name),
    uid: account.uid,
    groups: [...serviceAccountGroups(namespace), systemGroup.authenticated],
    extra,
  }
}

function referenceIn(holder: Readonly<Record<string, unknown>>, field: string): Reference | undefined {
  const { name, uid } = record(holder[field])
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
