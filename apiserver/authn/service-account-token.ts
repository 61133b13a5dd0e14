import { StatusError } from '../../shared/errors/status-error.ts'
import type { ObjectMeta } from '../../shared/openapi/generated/meta-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { ServiceAccountKeys, VerifyingKey } from '../certificates/service-account-keys.ts'
import type { TokenIssue } from '../registry/define-resource.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { TokenAnswer, TokenAuthenticator } from './bearer-token.ts'
import { parseWebToken, signWebToken, type WebToken } from './json-web-token.ts'
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
  issue(request: TokenIssue): Promise<{ token: string; expires: number }>
}

interface Verified {
  readonly claims: ServiceAccountClaims
  readonly user: User
}

/**
 * How much is remembered of verified tokens, in characters: about 7,000 of the usual length, one a Pod and its refreshed successor with
 * room. A token's claims take as much again.
 */
const REMEMBERED = 8 * 1024 * 1024
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
  let remembered = 0

  const verify = async (token: string): Promise<Verified | undefined> => {
    const parsed = await parseWebToken(token)
    if (parsed?.claims['iss'] !== issuer) return undefined
    const candidates = keys.verifying.filter(({ id }) => parsed.keyId === undefined || parsed.keyId === id)
    if (!(await isSignedByOneOf(candidates, parsed))) throw unauthorized('the signature of the token is not ours')
    const claims = readClaims(parsed.claims)
    if (!claims) throw unauthorized('the claims of the token are not those of a service account')
    const fresh = { claims, user: userOf(claims) }
    remember(token, fresh)
    return fresh
  }

  const remember = (token: string, fresh: Verified): void => {
    if (verified.has(token)) return
    verified.set(token, fresh)
    remembered += token.length
    for (const oldest of verified.keys()) {
      if (remembered <= REMEMBERED) break
      verified.delete(oldest)
      remembered -= oldest.length
    }
  }

  const judge = ({ claims, user }: Verified, audiences: readonly string[]): TokenAnswer => {
    const common = commonAudiences(claims.audiences, audiences.length > 0 ? audiences : apiAudiences)
    if (common.length === 0) throw unauthorized(`the token is for the audiences [${claims.audiences.join(' ')}]`)
    const seconds = clock.now() / 1000
    if (seconds >= claims.expires) throw unauthorized('the token expired')
    if (seconds + LEEWAY < claims.notBefore) throw unauthorized('the token is not valid yet')
    checkAlive(claims, reader, clock.now())
    return { user, audiences: common }
  }

  return {
    name: 'service account token',
    async issue(request) {
      const now = clock.now()
      // Who asks for no audience means this API server.
      const audiences = request.audiences.length > 0 ? request.audiences : apiAudiences
      const claims = writeClaims({ ...request, audiences }, { issuer, id: random.uuid(), now })
      return { token: await signWebToken(claims, keys.signing), expires: Math.floor(now / 1000) * 1000 + request.expirationSeconds * 1000 }
    },
    authenticate(token, audiences) {
      const known = verified.get(token)
      return known ? judge(known, audiences) : verify(token).then((found) => found && judge(found, audiences))
    },
  }
}

async function isSignedByOneOf(keys: readonly VerifyingKey[], token: WebToken): Promise<boolean> {
  for (const key of keys) if (await token.isSignedBy(key)) return true
  return false
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
