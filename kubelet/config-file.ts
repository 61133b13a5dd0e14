import { type ConfigFileContent, type ConfigFileKind, closedObject, type FileSetting, unusedFields } from '../shared/process/config-file.ts'
import type { settings } from './config.ts'

const text = { type: 'string' }
const whole = { type: 'integer' }
const texts = { type: 'array', items: text }
const amounts = { type: 'object', additionalProperties: { type: ['string', 'number'] } }

/** Fields of KubeletConfiguration that become settings as they are: field → setting. */
export const PLAIN: Readonly<Record<string, keyof typeof settings>> = {
  address: 'address',
  port: 'port',
  healthzBindAddress: 'bindAddress',
  healthzPort: 'healthPort',
  clusterDomain: 'clusterDomain',
  clusterDNS: 'clusterDns',
  resolvConf: 'resolvConf',
  maxPods: 'maxPods',
  podPidsLimit: 'podPidsLimit',
  containerRuntimeEndpoint: 'containerRuntimeEndpoint',
  podLogsDir: 'podLogsDir',
  containerLogMaxSize: 'containerLogMaxSize',
  containerLogMaxFiles: 'containerLogMaxFiles',
  nodeStatusUpdateFrequency: 'nodeStatusUpdateFrequency',
  nodeStatusReportFrequency: 'nodeStatusReportFrequency',
  nodeLeaseDurationSeconds: 'nodeLeaseDurationSeconds',
  evictionMaxPodGracePeriod: 'evictionMaxPodGracePeriod',
  evictionPressureTransitionPeriod: 'evictionPressureTransitionPeriod',
  staticPodPath: 'podManifestPath',
  fileCheckFrequency: 'fileCheckFrequency',
  staticPodURL: 'manifestUrl',
  httpCheckFrequency: 'httpCheckFrequency',
  providerID: 'providerId',
  enforceNodeAllocatable: 'enforceNodeAllocatable',
  systemReservedCgroup: 'systemReservedCgroup',
  kubeReservedCgroup: 'kubeReservedCgroup',
  allowedUnsafeSysctls: 'allowedUnsafeSysctls',
  serializeImagePulls: 'serializeImagePulls',
  maxParallelImagePulls: 'maxParallelImagePulls',
  imageGCHighThresholdPercent: 'imageGcHighThresholdPercent',
  imageGCLowThresholdPercent: 'imageGcLowThresholdPercent',
  imageMinimumGCAge: 'imageMinimumGcAge',
  imageMaximumGCAge: 'imageMaximumGcAge',
  shutdownGracePeriod: 'shutdownGracePeriod',
  shutdownGracePeriodCriticalPods: 'shutdownGracePeriodCriticalPods',
}

/** The kubelet's file, as upstream's `--config`. */
export const kubeletConfiguration: ConfigFileKind = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  fields: {
    ...{
      address: text,
      port: whole,
      healthzBindAddress: text,
      healthzPort: whole,
      clusterDomain: text,
      clusterDNS: texts,
      resolvConf: text,
    },
    ...{
      maxPods: whole,
      podPidsLimit: whole,
      nodeStatusUpdateFrequency: text,
      nodeStatusReportFrequency: text,
      nodeLeaseDurationSeconds: whole,
    },
    ...{ containerRuntimeEndpoint: text, podLogsDir: text, containerLogMaxSize: text, containerLogMaxFiles: whole },
    ...{ evictionHard: amounts, evictionSoft: amounts, evictionSoftGracePeriod: amounts, evictionMinimumReclaim: amounts },
    ...{ evictionMaxPodGracePeriod: whole, evictionPressureTransitionPeriod: text },
    ...{ staticPodPath: text, fileCheckFrequency: text, staticPodURL: text, httpCheckFrequency: text },
    staticPodURLHeader: { type: 'object', additionalProperties: texts },
    ...{ providerID: text, shutdownGracePeriod: text, shutdownGracePeriodCriticalPods: text },
    shutdownGracePeriodByPodPriority: {
      type: 'array',
      items: closedObject({ priority: whole, shutdownGracePeriodSeconds: whole }, ['priority', 'shutdownGracePeriodSeconds']),
    },
    ...{ systemReserved: amounts, kubeReserved: amounts, allowedUnsafeSysctls: texts },
    ...{ enforceNodeAllocatable: texts, systemReservedCgroup: text, kubeReservedCgroup: text },
    ...{ serializeImagePulls: { type: 'boolean' }, maxParallelImagePulls: whole },
    ...{ imageGCHighThresholdPercent: whole, imageGCLowThresholdPercent: whole, imageMinimumGCAge: text, imageMaximumGCAge: text },
    registerWithTaints: {
      type: 'array',
      items: closedObject({ key: text, value: text, effect: text, ...unusedFields(['timeAdded']) }, ['key', 'effect']),
    },
    ...unusedFields([
      ...['enableServer', 'syncFrequency', 'readOnlyPort', 'tlsCertFile', 'tlsPrivateKeyFile', 'tlsCipherSuites', 'tlsCurvePreferences'],
      ...['tlsMinVersion', 'rotateCertificates', 'serverTLSBootstrap', 'authentication', 'authorization', 'registryPullQPS'],
      ...[
        'registryBurst',
        'imagePullCredentialsVerificationPolicy',
        'preloadedImagesVerificationAllowlist',
        'eventRecordQPS',
        'eventBurst',
      ],
      ...['enableDebuggingHandlers', 'enableContentionProfiling', 'oomScoreAdj', 'streamingConnectionIdleTimeout'],
      ...['volumeStatsAggPeriod', 'kubeletCgroups'],
      ...['systemCgroups', 'cgroupRoot', 'cgroupsPerQOS', 'cgroupDriver', 'cpuManagerPolicy', 'singleProcessOOMKill'],
      ...['cpuManagerPolicyOptions', 'cpuManagerReconcilePeriod', 'memoryManagerPolicy', 'topologyManagerPolicy', 'topologyManagerScope'],
      ...['topologyManagerPolicyOptions', 'qosReserved', 'runtimeRequestTimeout', 'hairpinMode', 'podCIDR', 'runOnce'],
      ...['cpuCFSQuota', 'cpuCFSQuotaPeriod', 'nodeStatusMaxImages', 'maxOpenFiles', 'contentType', 'kubeAPIQPS', 'kubeAPIBurst'],
      ...['mergeDefaultEvictionSettings'],
      ...['podsPerCore', 'enableControllerAttachDetach', 'protectKernelDefaults', 'makeIPTablesUtilChains', 'iptablesMasqueradeBit'],
      ...['iptablesDropBit', 'featureGates', 'failSwapOn', 'memorySwap'],
      ...['containerLogMaxWorkers', 'containerLogMonitorInterval', 'configMapAndSecretChangeDetectionStrategy'],
      ...['reservedSystemCPUs', 'showHiddenMetricsForVersion'],
      ...['defaultPodSysctls', 'volumePluginDir', 'kernelMemcgNotification', 'logging'],
      ...['enableSystemLogHandler', 'enableSystemLogQuery'],
      ...['crashLoopBackOff', 'reservedMemory', 'enableProfilingHandler', 'enableDebugFlagsHandler'],
      ...[
        'seccompDefault',
        'memoryThrottlingFactor',
        'memoryReservationPolicy',
        'registerNode',
        'tracing',
        'localStorageCapacityIsolation',
      ],
      ...['imageServiceEndpoint', 'failCgroupV1', 'userNamespaces'],
    ]),
  },
  read(content) {
    const plain = Object.entries(PLAIN).map(([field, setting]) => [setting, plainText(content, field)] as const)
    return {
      ...Object.fromEntries(plain),
      ...{
        systemReserved: pairs(content, 'systemReserved', '='),
        kubeReserved: pairs(content, 'kubeReserved', '='),
        registerWithTaints: taints(content),
        manifestUrlHeader: urlHeaders(content),
        shutdownGracePeriodByPodPriority: periods(content),
      },
      ...{ evictionHard: pairs(content, 'evictionHard', '<'), evictionSoft: pairs(content, 'evictionSoft', '<') },
      evictionSoftGracePeriod: pairs(content, 'evictionSoftGracePeriod', '='),
      evictionMinimumReclaim: pairs(content, 'evictionMinimumReclaim', '='),
    }
  },
}

function plainText(content: ConfigFileContent, field: string): FileSetting | undefined {
  const value = content[field]
  return value === undefined ? undefined : { field, text: Array.isArray(value) ? value.join(',') : String(value) }
}

function pairs(content: ConfigFileContent, field: string, sign: '=' | '<'): FileSetting | undefined {
  const value = content[field]
  if (typeof value !== 'object' || value === null) return undefined
  const written = Object.entries(value).map(([name, amount]) => `${name}${sign}${String(amount)}`)
  return { field, text: written.join(',') }
}

function taints({ registerWithTaints: value }: ConfigFileContent): FileSetting | undefined {
  if (!Array.isArray(value)) return undefined
  const written = value.map(({ key, value: own, effect }) => `${key}${own ? `=${own}` : ''}:${effect}`)
  return { field: 'registerWithTaints', text: written.join(',') }
}

function periods({ shutdownGracePeriodByPodPriority: value }: ConfigFileContent): FileSetting | undefined {
  if (!Array.isArray(value)) return undefined
  const written = value.map(({ priority, shutdownGracePeriodSeconds: seconds }) => `${priority}=${seconds}`)
  return { field: 'shutdownGracePeriodByPodPriority', text: written.join(',') }
}

function urlHeaders({ staticPodURLHeader: value }: ConfigFileContent): FileSetting | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const written = Object.entries(value).flatMap(([name, texts]) =>
    Array.isArray(texts) ? texts.map((one) => `${name}:${String(one)}`) : [],
  )
  return { field: 'staticPodURLHeader', text: written.join(',') }
}
