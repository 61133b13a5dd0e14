import { ConfigError } from '../../../shared/process/config.ts'
import type { ProviderFactory } from '../../provider.ts'
import { HetznerApi } from './hetzner-api.ts'
import { HetznerInstances } from './hetzner-instances.ts'
import { HetznerLoadBalancers } from './hetzner-load-balancers.ts'
import { HetznerRoutes } from './hetzner-routes.ts'

/** Servers, load balancers and, with a network of its own, routes of the Hetzner Cloud, over its API (docs.hetzner.cloud). */
export const createHetznerProvider: ProviderFactory = (config, { clock }, { send }) => {
  const { hetznerTokenFile, hetznerToken, hetznerEndpoint, hetznerLocation } = config
  if (!hetznerTokenFile && !hetznerToken) {
    throw new ConfigError(
      '--cloud-provider=hetzner: there is no token; name a file that holds one (--hetzner-token-file), or set COXSWAIN_HETZNER_TOKEN',
    )
  }
  const token = hetznerTokenFile ? { file: hetznerTokenFile } : { value: hetznerToken ?? '' }
  const network = config.hetznerNetwork || undefined
  const api = new HetznerApi({ endpoint: (hetznerEndpoint ?? '').replace(/\/$/, ''), token, send, clock })
  const instances = new HetznerInstances(api, clock, network)
  return {
    name: 'hetzner',
    instances,
    loadBalancers: new HetznerLoadBalancers(api, instances, { location: hetznerLocation, network }),
    ...(network === undefined ? {} : { routes: new HetznerRoutes(api, network) }),
  }
}
