import { ConfigError } from '../../../shared/process/config.ts'
import { type ConfigKind, closedObject, readConfigContent } from '../../../shared/process/config-file.ts'
import { authenticationProblems } from './authentication-problems.ts'

/** `AuthenticationConfiguration` of `apiserver.config.k8s.io/v1` (KEP-3331). */
export interface AuthenticationConfiguration {
  readonly jwt?: readonly JwtAuthenticator[]
  readonly anonymous?: AnonymousChoice
}

/** Whether who shows nothing is somebody; with conditions, only at these paths. */
export interface AnonymousChoice {
  readonly enabled: boolean
  readonly conditions?: readonly { readonly path: string }[]
}

/** Whose tokens are taken, and whom they make of their claims. */
export interface JwtAuthenticator {
  readonly issuer: IssuerChoice
  readonly claimValidationRules?: readonly ClaimValidationRule[]
  readonly claimMappings: ClaimMappings
  readonly userValidationRules?: readonly UserValidationRule[]
}

export interface IssuerChoice {
  /** `iss` of its tokens, letter for letter. */
  readonly url?: string
  /** Where its configuration is read instead of `<url>/.well-known/openid-configuration`. */
  readonly discoveryURL?: string
  /** PEM; empty: those that this machine trusts. */
  readonly certificateAuthority?: string
  readonly audiences?: readonly string[]
  readonly audienceMatchPolicy?: string
}

/** A claim that must have a value, or an expression that must be true. */
export interface ClaimValidationRule {
  readonly claim?: string
  readonly requiredValue?: string
  readonly expression?: string
  readonly message?: string
}

export interface ClaimMappings {
  readonly username?: PrefixedClaim
  readonly groups?: PrefixedClaim
  readonly uid?: ClaimChoice
  readonly extra?: readonly { readonly key?: string; readonly valueExpression?: string }[]
}

/** One of the two. */
export interface ClaimChoice {
  readonly claim?: string
  readonly expression?: string
}

export interface PrefixedClaim extends ClaimChoice {
  readonly prefix?: string
}

export interface UserValidationRule {
  readonly expression?: string
  readonly message?: string
}

const text = { type: 'string' }
const listOf = (items: object) => ({ type: 'array', items })
const prefixed = closedObject({ claim: text, prefix: text, expression: text })

const fileKind: ConfigKind = {
  ...{ apiVersion: 'apiserver.config.k8s.io/v1', olderVersions: ['apiserver.config.k8s.io/v1beta1'], kind: 'AuthenticationConfiguration' },
  fields: {
    jwt: listOf(
      closedObject(
        {
          issuer: closedObject({
            ...{ url: text, discoveryURL: text, certificateAuthority: text, audiences: listOf(text), audienceMatchPolicy: text },
            // Ways out of a network that are chosen by name (an egress selector): there is one way out here.
            egressSelectorType: { unused: true },
          }),
          claimValidationRules: listOf(closedObject({ claim: text, requiredValue: text, expression: text, message: text })),
          claimMappings: closedObject({
            ...{ username: prefixed, groups: prefixed, uid: closedObject({ claim: text, expression: text }) },
            extra: listOf(closedObject({ key: text, valueExpression: text })),
          }),
          userValidationRules: listOf(closedObject({ expression: text, message: text })),
        },
        ['issuer', 'claimMappings'],
      ),
    ),
    anonymous: closedObject(
      { enabled: { type: 'boolean' }, conditions: listOf(closedObject({ path: { type: 'string', minLength: 1 } }, ['path'])) },
      ['enabled'],
    ),
  },
}

/**
 * @param ownIssuer that of service-account tokens, which no other issuer may be
 * @throws ConfigError that names the file and every wrong field
 */
export async function readAuthenticationConfiguration(
  path: string,
  ownIssuer: string,
): Promise<{ configuration: AuthenticationConfiguration; warnings: readonly string[] }> {
  const { content, warnings } = await readConfigContent<AuthenticationConfiguration>(path, fileKind)
  const problems = authenticationProblems(content, ownIssuer)
  if (problems.length > 0) throw new ConfigError(problems.map(({ path: field, message }) => `${path}: ${field}: ${message}`).join('\n'))
  return { configuration: content, warnings }
}
