import { ConfigError } from '../../../shared/process/config.ts'
import type { ApiServerConfig, DerivedConfig } from '../../config.ts'
import { flagAuthenticator, givenOidcFlags } from './flag-authenticator.ts'
import { IdentityProviders } from './identity-providers.ts'
import type { LoginOptions } from './provider-login.ts'

/** The providers that the settings name, by flags or by a file; undefined for neither: then no token is shown to them. @throws ConfigError for both, and for what is wrong in either */
export async function openProviders(
  config: ApiServerConfig,
  { issuer }: DerivedConfig,
  options: LoginOptions,
): Promise<IdentityProviders | undefined> {
  const { authenticationConfig: path, anonymousAuth } = config
  const flags = givenOidcFlags(config)
  if (path !== undefined && flags.length > 0) {
    throw new ConfigError(
      `--authentication-config and --oidc-* flags are mutually exclusive: say it all in ${path}, without ${flags.join(', ')}`,
    )
  }
  const said = flagAuthenticator(config, issuer)
  if (path === undefined && said === undefined) return undefined
  const providers = await IdentityProviders.open({ ...options, path, flags: said, ownIssuer: issuer })
  if (anonymousAuth !== undefined && providers.anonymous !== undefined) {
    throw new ConfigError(
      `--anonymous-auth flag cannot be set when the anonymous field is configured in the authentication configuration file (${path})`,
    )
  }
  return providers
}
