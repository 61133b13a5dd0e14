import { readFileSync } from 'node:fs'
import { ConfigError, flagName } from '../../../shared/process/config.ts'
import { choices, optional, pairs, path, text, url } from '../../../shared/process/setting.ts'
import type { JwtAuthenticator } from './authentication-configuration.ts'
import { jwtProblems } from './authentication-problems.ts'
import { type SigningAlgorithm, signingAlgorithms } from './signing-algorithms.ts'

/** Upstream's flags for one provider. */
export const oidcSettings = {
  oidcIssuerUrl: url('identity provider whose ID tokens are taken: `iss` of them, and where its keys are found', undefined, ['https']),
  oidcClientId: text('`aud` that its tokens must have'),
  oidcUsernameClaim: optional(text('claim that is the user name', 'sub')),
  oidcUsernamePrefix: text('put before user names; -: nothing; default: the issuer and #, unless the claim is email'),
  oidcGroupsClaim: text('claim that is the list of groups, or one group; default: none'),
  oidcGroupsPrefix: text('put before groups; default: nothing, so that a provider may name system:masters'),
  oidcRequiredClaim: pairs('a claim and the value that it must have; may be given several times'),
  oidcSigningAlgs: optional(choices('what its tokens may be signed with', signingAlgorithms, ['RS256'])),
  oidcCaFile: path('authorities of the provider, PEM; default: those that the machine trusts'),
} as const

type OidcSettings = { readonly [P in keyof typeof oidcSettings]: ReturnType<(typeof oidcSettings)[P]['parse']> | undefined }

/** What flags say of a provider. */
export interface FlagAuthenticator {
  readonly jwt: JwtAuthenticator
  readonly algorithms: readonly SigningAlgorithm[]
}

/** Which of the flags are given, for sentences about them. */
export function givenOidcFlags(config: OidcSettings): string[] {
  const isGiven = (value: unknown) => value !== undefined && !(Array.isArray(value) && value.length === 0)
  return Object.entries(config)
    .filter(([key, value]) => key in oidcSettings && isGiven(value))
    .map(([key]) => `--${flagName(key)}`)
}

/** The authenticator that the flags mean, as upstream turns them into one; undefined without them. @throws ConfigError */
export function flagAuthenticator(config: OidcSettings, ownIssuer: string): FlagAuthenticator | undefined {
  const given = givenOidcFlags(config)
  if (given.length === 0) return undefined
  const { oidcIssuerUrl: issuer, oidcClientId: client, oidcUsernameClaim: claim = 'sub', oidcGroupsClaim: groups } = config
  if (!issuer || !client) {
    throw new ConfigError(`--oidc-issuer-url and --oidc-client-id must be specified together when any --oidc-* flags are set (${given})`)
  }
  const jwt: JwtAuthenticator = {
    issuer: {
      url: issuer,
      audiences: [client],
      ...(config.oidcCaFile ? { certificateAuthority: readAuthorities(config.oidcCaFile) } : {}),
    },
    claimMappings: {
      username: { claim, prefix: usernamePrefix(config.oidcUsernamePrefix, claim, issuer) },
      ...(groups ? { groups: { claim: groups, prefix: config.oidcGroupsPrefix ?? '' } } : {}),
    },
    claimValidationRules: (config.oidcRequiredClaim ?? []).map(([name, requiredValue]) => ({ claim: name, requiredValue })),
  }
  const problems = jwtProblems(jwt, '', ownIssuer)
  if (problems.length > 0) throw new ConfigError(problems.map(({ path, message }) => `${flagOf(path)}: ${message}`).join('\n'))
  return { jwt, algorithms: config.oidcSigningAlgs?.length ? config.oidcSigningAlgs : ['RS256'] }
}

/** E-mail addresses are of one person whoever the provider is; other names are only the provider's. */
function usernamePrefix(given: string | undefined, claim: string, issuer: string): string {
  if (given === '-') return ''
  return given || (claim === 'email' ? '' : `${issuer}#`)
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`--oidc-ca-file: ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function flagOf(path: string): string {
  if (path.startsWith('.issuer.url')) return '--oidc-issuer-url'
  if (path.startsWith('.issuer.certificateAuthority')) return '--oidc-ca-file'
  return path.startsWith('.claimValidationRules') ? '--oidc-required-claim' : '--oidc-client-id'
}
