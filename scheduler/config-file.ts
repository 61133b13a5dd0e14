import { type ConfigFileContent, type ConfigFileKind, closedObject, type FileSetting, unusedFields } from '../shared/process/config-file.ts'

interface Plugin {
  readonly name: string
  readonly weight?: number
}

interface PluginSet {
  readonly enabled?: readonly Plugin[]
  readonly disabled?: readonly Plugin[]
}

interface Profile {
  readonly schedulerName?: string
  readonly plugins?: { readonly multiPoint?: PluginSet; readonly score?: PluginSet }
}

const text = { type: 'string' }
const plugin = closedObject({ name: text, weight: { type: 'integer', minimum: 0, maximum: 100 } }, ['name'])
const pluginSet = closedObject({ enabled: { type: 'array', items: plugin }, disabled: { type: 'array', items: plugin } })

/** The scheduler's file, as upstream's `--config`. One profile; of its plugins, which there are and what their scores weigh. */
export const schedulerConfiguration: ConfigFileKind = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  fields: {
    leaderElection: closedObject({
      leaderElect: { type: 'boolean' },
      ...{ leaseDuration: text, renewDeadline: text, retryPeriod: text },
      ...{ resourceLock: text, resourceName: text, resourceNamespace: text },
    }),
    clientConnection: closedObject({ kubeconfig: text, ...unusedFields(['acceptContentTypes', 'contentType', 'qps', 'burst']) }),
    profiles: {
      type: 'array',
      maxItems: 1,
      items: closedObject({
        schedulerName: { type: 'string', minLength: 1 },
        plugins: closedObject({
          multiPoint: pluginSet,
          score: pluginSet,
          ...unusedFields(['preEnqueue', 'queueSort', 'preFilter', 'filter', 'postFilter', 'preScore', 'reserve', 'permit', 'preBind']),
          ...unusedFields(['bind', 'postBind', 'placementGenerate', 'placementScore', 'placementFeasible', 'podGroupPostFilter']),
        }),
        ...unusedFields(['percentageOfNodesToScore', 'percentageOfPlacementsToScore', 'pluginConfig']),
      }),
    },
    ...unusedFields(['parallelism', 'enableProfiling', 'enableContentionProfiling', 'percentageOfNodesToScore']),
    ...unusedFields([
      'percentageOfPlacementsToScore',
      'podInitialBackoffSeconds',
      'podMaxBackoffSeconds',
      'extenders',
      'delayCacheUntilActive',
    ]),
  },
  read(content) {
    const [profile = {}] = listOf<Profile>(content, 'profiles')
    return {
      leaderElect: inside(content, 'leaderElection', 'leaderElect'),
      leaderElectLeaseDuration: inside(content, 'leaderElection', 'leaseDuration'),
      leaderElectRenewDeadline: inside(content, 'leaderElection', 'renewDeadline'),
      leaderElectRetryPeriod: inside(content, 'leaderElection', 'retryPeriod'),
      leaderElectResourceLock: inside(content, 'leaderElection', 'resourceLock'),
      leaderElectResourceName: inside(content, 'leaderElection', 'resourceName'),
      leaderElectResourceNamespace: inside(content, 'leaderElection', 'resourceNamespace'),
      kubeconfig: inside(content, 'clientConnection', 'kubeconfig'),
      schedulerName: profile.schedulerName === undefined ? undefined : { field: 'profiles[0].schedulerName', text: profile.schedulerName },
      plugins: profile.plugins && { field: 'profiles[0].plugins', text: changesOf(profile.plugins).join(',') },
    }
  },
}

/** As the flag `--plugins` writes them. What is enabled wins over what is disabled, and a point's own list over multiPoint, as upstream. */
function changesOf({ multiPoint, score }: NonNullable<Profile['plugins']>): string[] {
  return [
    ...(multiPoint?.disabled ?? []).map(({ name }) => `-${name}`),
    ...(multiPoint?.enabled ?? []).map(({ name, weight }) => `${name}=${weight || 1}`),
    ...(score?.disabled ?? []).map(({ name }) => `${name}=0`),
    ...(score?.enabled ?? []).map(({ name, weight }) => `${name}=${weight || 1}`),
  ]
}

/** The schema has checked what is in it. */
function listOf<T>(content: ConfigFileContent, field: string): readonly T[] {
  const value = content[field]
  return Array.isArray(value) ? value : []
}

function inside(content: ConfigFileContent, field: string, name: string): FileSetting | undefined {
  const holder = content[field]
  if (typeof holder !== 'object' || holder === null) return undefined
  const value = new Map<string, unknown>(Object.entries(holder)).get(name)
  return value === undefined ? undefined : { field: `${field}.${name}`, text: String(value) }
}
