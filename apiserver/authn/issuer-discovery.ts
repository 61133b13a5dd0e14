import type { ServiceAccountKeys } from '../certificates/service-account-keys.ts'

/** `/.well-known/openid-configuration`: how others find the keys that service-account tokens are checked with (OpenID Connect Discovery). */
export function openIdConfiguration(issuer: string, externalUrl: string, keys: ServiceAccountKeys): object {
  return {
    issuer,
    jwks_uri: `${externalUrl}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.verifying.map((key) => key.algorithm))],
  }
}

/** `/openid/v1/jwks`, to be sent as `application/jwk-set+json`. Public halves only. */
export function jsonWebKeySet({ verifying }: ServiceAccountKeys): object {
  return {
    keys: verifying.map(({ id, algorithm, key }) => ({
      use: 'sig',
      kid: id,
      alg: algorithm,
      ...key.export({ format: 'jwk' }),
    })),
  }
}
