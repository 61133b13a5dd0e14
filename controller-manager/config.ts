import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { leaderElectionSettings } from '../shared/process/leader-election-settings.ts'
import { boolean, decimal, duration, integer, list, path, port, ranges, text } from '../shared/process/setting.ts'

/** Flags of the controller manager, with upstream's names and default times. */
export const settings = {
  kubeconfig: path('credentials for the API server', '/etc/coxswain/controller-manager.kubeconfig'),
  ...leaderElectionSettings('kube-controller-manager'),
  controllers: list('which controllers run: names, or * for all; -name leaves one out', ['*']),
  bindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_257),
  rootCaFile: path('the CA certificate that Pods get to know the API server by', '/etc/coxswain/ca.crt'),
  clusterSigningCertFile: path('the CA certificate that signs certificate requests', '/etc/coxswain/signing/ca.crt'),
  clusterSigningKeyFile: path('its key', '/etc/coxswain/signing/ca.key'),
  clusterSigningDuration: duration('how long signed certificates are valid', 365 * 24 * 3_600_000),
  allocateNodeCidrs: boolean('give each node a range of Pod addresses', true),
  clusterCidr: ranges('all Pod addresses, a range for each family; the first family is the primary one', ['10.244.0.0/16']),
  nodeCidrMaskSize: integer('prefix length of one node’s range; 0: the next two say it', 0, 0, 126),
  nodeCidrMaskSizeIpv4: integer('the same, of the range of IPv4', 24, 8, 30),
  nodeCidrMaskSizeIpv6: integer('the same, of the range of IPv6', 64, 32, 126),
  nodeMonitorGracePeriod: duration('how long a node may be silent before it is not ready', 50_000),
  nodeStartupGracePeriod: duration('the same for a node that has never spoken', 60_000),
  nodeMonitorPeriod: duration('how often nodes are looked at', 5_000),
  nodeEvictionRate: decimal('nodes a second whose Pods are evicted', 0.1, 0, 1_000_000),
  secondaryNodeEvictionRate: decimal('the same in a large zone with many unhealthy nodes', 0.01, 0, 1_000_000),
  largeClusterSizeThreshold: integer('smaller zones with many unhealthy nodes are not evicted at all', 50),
  unhealthyZoneThreshold: decimal('the share of unhealthy nodes that makes a zone unhealthy', 0.55, 0, 1),
  terminatedPodGcThreshold: integer('how many finished Pods are kept', 12_500),
  horizontalPodAutoscalerSyncPeriod: duration('how often autoscalers are looked after', 15_000),
  horizontalPodAutoscalerDownscaleStabilization: duration(
    'how long the highest recommendation counts before anything is scaled down',
    5 * 60_000,
  ),
  horizontalPodAutoscalerTolerance: decimal(
    'how far from its target a metric may be before anything is scaled, as a part of it',
    0.1,
    0,
    100,
  ),
  horizontalPodAutoscalerCpuInitializationPeriod: duration(
    'how long after its start a Pod’s CPU counts only while it is ready',
    5 * 60_000,
  ),
  horizontalPodAutoscalerInitialReadinessDelay: duration('how long after its start a Pod that was never ready counts as starting', 30_000),
} satisfies SettingsTable

/** What controllers are made with. */
export type ControllerSettings = ConfigOf<typeof settings>
