import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { leaderElectionSettings } from '../shared/process/leader-election-settings.ts'
import { choice, duration, integer, list, path, port, ranges, text, url } from '../shared/process/setting.ts'
import { providerNames } from './providers/providers.ts'

/** Flags of the cloud controller manager; those about the cluster have upstream's names and default times. */
export const settings = {
  kubeconfig: path('credentials for the API server', '/etc/coxswain/cloud-controller-manager.kubeconfig'),
  cloudProvider: choice('where this cluster runs', providerNames, 'lab'),
  ...leaderElectionSettings('cloud-controller-manager'),
  controllers: list('which controllers run: names, or * for all; -name leaves one out', ['*']),
  bindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_258),
  clusterCidr: ranges('all Pod addresses, a range for each family, for routes between nodes where the provider has some', [
    '10.244.0.0/16',
  ]),
  nodeMonitorPeriod: duration('how often nodes that are not ready are looked for in the cloud', 5_000),
  nodeStatusUpdateFrequency: duration('how often the addresses of nodes are asked for', 5 * 60_000),
  routeReconciliationPeriod: duration('how often routes are compared with the nodes', 10_000),
  loadBalancerPool: list('lab: addresses for Services of type LoadBalancer, e.g. 192.168.1.240/28,192.168.2.10-192.168.2.20'),
  announcementGracePeriod: duration('lab: how long a node may be silent before another announces its addresses', 25_000),
  hetznerTokenFile: path('hetzner: a file with an API token of the project that may read and write'),
  hetznerToken: text(
    'hetzner: the token itself; for the environment (COXSWAIN_HETZNER_TOKEN), where other users of the machine do not see it',
  ),
  hetznerEndpoint: url('hetzner: where the API is', 'https://api.hetzner.cloud/v1'),
  hetznerLocation: text('hetzner: where load balancers are made whose Services name no location', 'fsn1'),
  hetznerNetwork: integer('hetzner: the id of the private network that the nodes share; 0: none', 0),
} satisfies SettingsTable

/** What the cloud controller manager is started with. */
export type CloudConfig = ConfigOf<typeof settings>
