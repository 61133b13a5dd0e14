import { StatusError } from '../../shared/errors/status-error.ts'
import type { ObjectMeta } from '../../shared/openapi/generated/meta-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { ServiceAccountKeys } from '../certificates/service-account-keys.ts'
import type { TokenIssue } from '../registry/define-resource.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { TokenAuthenticator } from './bearer-token.ts'
import { parseWebToken, signWebToken } from './json-web-token.ts'
import { type Reference, readClaims, type ServiceAccountClaims, userOf, writeClaims } from './service-account-claims.ts'
import { commonAudiences } from './static-token.ts'
import type { User } from './user.ts'

export interface ServiceAccountTokenOptions {
  readonly keys: ServiceAccountKeys
  /** URL in `iss`; the default audience too. */
  readonly issuer: string
  /** What the API server itself is known as; a token for none of these does not open it. */
  readonly apiAudiences: readonly string[]
  readonly reader: ObjectReader
  readonly clock: Clock
  readonly random: Random
}

export interface ServiceAccountTokens extends TokenAuthenticator {
  issue(request: TokenIssue): { token: string; expires: number }
}

interface Verified {
  readonly claims: ServiceAccountClaims
  readonly user: User
}

/** How many verified signatures are remembered: one a Pod and its refreshed successor, with room. */
const REMEMBERED = 8192
/** Servers of one cluster may disagree about the time by this much, in seconds. */
const LEEWAY = 60
/** A bound object that is being deleted lends its token this long after its grace period, in milliseconds. */
const DELETION_LEEWAY = 60_000

/**
 * Tokens of service accounts. Only the signature check is remembered; whether the account and the bound object still
 * exist is looked up with each request (two map look-ups), so that deleting a Pod ends its token at once.
 */
export function serviceAccountTokens(options: ServiceAccountTokenOptions): ServiceAccountTokens {
  const { keys, issuer, apiAudiences, reader, clock, random } = options
  const verified = new Map<string, Verified>()

  const verify = (token: string): Verified | undefined => {
    const known = verified.get(token)
    if (known) return known
    const parsed = parseWebToken(token)
    if (parsed?.claims['iss'] !== issuer) return undefined
    const candidates = keys.verifying.filter(({ id }) => parsed.keyId === undefined || parsed.keyId === id)
    if (!candidates.some((key) => parsed.isSignedBy(key))) throw unauthorized('the signature of the token is not ours')
    const claims = readClaims(parsed.claims)
    if (!claims) throw unauthorized('the claims of the token are not those of a service account')
    const fresh = { claims, user: userOf(claims) }
    if (verified.size >= REMEMBERED) for (const oldest of verified.keys()) if (verified.delete(oldest)) break
    verified.set(token, fresh)
    return fresh
  }

  return {
    name: 'service account token',
    issue(request) {
      const now = clock.now()
      // Who asks for no audience means this API server.
      const audiences = request.audiences.length > 0 ? request.audiences : apiAudiences
      const claims = writeClaims({ ...request, audiences }, { issuer, id: random.uuid(), now })
      return { token: signWebToken(claims, keys.signing), expires: Math.floor(now / 1000) * 1000 + request.expirationSeconds * 1000 }
    },
    authenticate(token, audiences) {
      const found = verify(token)
      if (!found) return undefined
      const { claims, user } = found
      const common = commonAudiences(claims.audiences, audiences.length > 0 ? audiences : apiAudiences)
      if (common.length === 0) throw unauthorized(`the token is for the audiences [${claims.audiences.join(' ')}]`)
      const seconds = clock.now() / 1000
      if (seconds >= claims.expires) throw unauthorized('the token expired')
      if (seconds + LEEWAY < claims.notBefore) throw unauthorized('the token is not valid yet')
      checkAlive(claims, reader, clock.now())
      return { user, audiences: common }
    },
  }
}

function checkAlive({ namespace, account, pod, secret, node }: ServiceAccountClaims, reader: ObjectReader, now: number): void {
  const check = (kind: string, reference: Reference, metadata: ObjectMeta | undefined) => {
    if (metadata?.uid !== reference.uid) throw unauthorized(`the ${kind} ${reference.name} that the token is bound to is gone`)
    const deleted = parseTimestamp(metadata.deletionTimestamp)
    if (deleted !== undefined && deleted + DELETION_LEEWAY < now) throw unauthorized(`the ${kind} ${reference.name} is being deleted`)
  }
  const named = ({ name }: Reference) => ({ namespace, name })
  check('service account', account, reader.get('v1', 'ServiceAccount', named(account))?.metadata)
  if (pod) check('pod', pod, reader.get('v1', 'Pod', named(pod))?.metadata)
  if (secret) check('secret', secret, reader.get('v1', 'Secret', named(secret))?.metadata)
  // With a Pod, the node is only where it ran; the Pod's own life decides.
  if (node && !pod) check('node', node, reader.get('v1', 'Node', { name: node.name })?.metadata)
}

const unauthorized = (why: string) => new StatusError('Unauthorized', why)
