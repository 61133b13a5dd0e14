import { hasReason, StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ServiceAccountKeys } from '../certificates/service-account-keys.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type AnonymousRule, anonymousAuthenticator } from './anonymous.ts'
import { bearerTokenOf, type TokenAnswer, type TokenAuthenticator } from './bearer-token.ts'
import { bootstrapTokenAuthenticator } from './bootstrap-token.ts'
import { clientCertificateAuthenticator } from './client-certificate.ts'
import { serviceAccountTokens } from './service-account-token.ts'
import { commonAudiences, staticTokenAuthenticator } from './static-token.ts'
import type { Authenticator, Credentials, User } from './user.ts'

export interface AuthenticationOptions {
  readonly reader: ObjectReader
  readonly clock: Clock
  /** By which client certificates are valid; default: the clock. */
  readonly certificateClock?: Clock
  readonly random: Random
  readonly log: Logger
  readonly serviceAccountKeys: ServiceAccountKeys
  /** URL, e.g. `https://kubernetes.default.svc.cluster.local`. */
  readonly issuer: string
  /** Default: the issuer. */
  readonly apiAudiences?: readonly string[] | undefined
  /** Text of the static token file. */
  readonly tokenFile?: string | undefined
  /** Whether who shows no credentials is `system:anonymous` (else 401); asked with each request. Default: always. */
  readonly anonymous?: (() => AnonymousRule) | undefined
  /** Users by tokens of other issuers than this server. */
  readonly providers?: TokenLogin | undefined
}

/** Users by tokens that say nothing about this API server's audiences; undefined for one that is not of its kind. @throws StatusError Unauthorized */
export interface TokenLogin {
  /** One who was found before, where that still holds. */
  remembered(token: string): User | undefined
  authenticate(token: string): Promise<User | undefined>
}

export interface Authentication {
  /** @throws StatusError Unauthorized; its message says no more than that, the reason is its cause and in the log. */
  authenticate(credentials: Credentials): Promise<User>
  /** For TokenRequest and TokenReview. */
  readonly tokens: ResourceServices['tokens']
}

/** Who is asking: the authenticators in their order, and what they share. @throws Error for a malformed token file */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { reader, clock, log, issuer, tokenFile } = options
  const apiAudiences = options.apiAudiences ?? [issuer]
  const accounts = serviceAccountTokens({ ...options, apiAudiences, keys: options.serviceAccountKeys })
  const { providers } = options
  const byToken: TokenAuthenticator[] = [
    // Nobody else's kind of token: it is not taken apart again with each request.
    ...(providers ? [forOwnAudiences((token) => providers.remembered(token), apiAudiences)] : []),
    ...(tokenFile === undefined ? [] : [staticTokenAuthenticator(tokenFile, apiAudiences)]),
    bootstrapTokenAuthenticator(reader, clock, apiAudiences),
    accounts,
    ...(providers ? [forOwnAudiences((token) => providers.authenticate(token), apiAudiences)] : []),
  ]
  const review = async (token: string, audiences: readonly string[]): Promise<TokenAnswer> => {
    if (token.length > inputLimits.tokenCharacters) {
      throw new StatusError('Unauthorized', `a bearer token has at most ${inputLimits.tokenCharacters} characters`)
    }
    for (const authenticator of byToken) {
      const answer = await authenticator.authenticate(token, audiences)
      if (answer) return answer
    }
    throw new StatusError('Unauthorized', 'invalid bearer token')
  }
  const bearer: Authenticator = {
    name: 'bearer token',
    async authenticate(credentials) {
      const token = bearerTokenOf(credentials)
      return token === undefined ? undefined : (await review(token, [])).user
    },
  }
  const inOrder: readonly Authenticator[] = [clientCertificateAuthenticator(options.certificateClock ?? clock), bearer]
  const last = anonymousAuthenticator(options.anonymous ?? (() => ({ enabled: true })))
  return {
    authenticate: (credentials) => firstAnswer(inOrder, last, credentials, log),
    tokens: {
      issue: (request) => accounts.issue(request),
      review,
    },
  }
}

/** Such a token is good for the audiences of this API server. */
function forOwnAudiences<U extends User | undefined | Promise<User | undefined>>(
  find: (token: string) => U,
  apiAudiences: readonly string[],
): TokenAuthenticator {
  return {
    name: 'identity provider',
    authenticate(token, asked) {
      const audiences = commonAudiences(apiAudiences, asked)
      const found = audiences.length > 0 ? find(token) : undefined
      return found instanceof Promise ? found.then((user) => user && { user, audiences }) : found && { user: found, audiences }
    },
  }
}

/**
 * The first authenticator that knows the credentials decides. Bad credentials of one kind may be made up for by good ones
 * of another, but not by anonymous access: somebody with a broken token must hear so, not be treated as nobody.
 */
async function firstAnswer(
  authenticators: readonly Authenticator[],
  last: Authenticator,
  credentials: Credentials,
  log: Logger,
): Promise<User> {
  let refused: StatusError | undefined
  for (const authenticator of authenticators) {
    try {
      const user = await authenticator.authenticate(credentials)
      if (user) return user
    } catch (cause) {
      if (!hasReason(cause, 'Unauthorized')) throw cause
      log.info('refused credentials', { by: authenticator.name, why: cause.message, from: credentials.remoteAddress })
      refused = cause
    }
  }
  const user = refused ? undefined : await last.authenticate(credentials)
  if (user) return user
  throw new StatusError('Unauthorized', 'Unauthorized', { cause: refused })
}
