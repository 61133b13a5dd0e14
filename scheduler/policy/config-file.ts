import {
  type ConfigFileContent,
  type ConfigFileKind,
  closedObject,
  type FileSetting,
  unusedFields,
} from '../../shared/process/config-file.ts'
import { extenderSchema, type WrittenExtender } from '../extenders/extender-config.ts'
import { type PluginArgs, pluginConfigEntry } from './plugin-args.ts'
import { POINTS, type Point } from './points.ts'

interface Plugin {
  readonly name: string
  readonly weight?: number
}

export interface PluginSet {
  readonly enabled?: readonly Plugin[]
  readonly disabled?: readonly Plugin[]
}

/** A profile as it is written. */
export interface WrittenProfile {
  readonly schedulerName?: string
  readonly percentageOfNodesToScore?: number
  readonly plugins?: { readonly [P in Point]?: PluginSet }
  readonly pluginConfig?: readonly { readonly name: keyof PluginArgs; readonly args?: object }[]
}

/** What of the file is more than settings. */
export interface WrittenPolicy {
  readonly profiles?: readonly WrittenProfile[]
  readonly percentageOfNodesToScore?: number
  readonly podInitialBackoffSeconds?: number
  readonly podMaxBackoffSeconds?: number
  readonly extenders?: readonly WrittenExtender[]
}

const text = { type: 'string' }
const plugin = closedObject({ name: text, weight: { type: 'integer', minimum: 0, maximum: 100 } }, ['name'])
const pluginSet = closedObject({ enabled: { type: 'array', items: plugin }, disabled: { type: 'array', items: plugin } })
const percentage = { type: 'integer', minimum: 0, maximum: 100 }
const seconds = { type: 'integer', minimum: 1, maximum: 86_400 }
const MOST_PROFILES = 64

/** The scheduler's file, as upstream's `--config`. */
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
      maxItems: MOST_PROFILES,
      items: closedObject({
        schedulerName: { type: 'string', minLength: 1 },
        percentageOfNodesToScore: percentage,
        plugins: closedObject({
          ...Object.fromEntries(POINTS.map((point) => [point, pluginSet])),
          ...unusedFields(['queueSort', 'preFilter', 'preScore', 'reserve', 'permit', 'preBind', 'bind', 'postBind']),
          ...unusedFields(['placementGenerate', 'placementScore', 'placementFeasible', 'podGroupPostFilter']),
        }),
        pluginConfig: { type: 'array', items: pluginConfigEntry },
        ...unusedFields(['percentageOfPlacementsToScore']),
      }),
    },
    percentageOfNodesToScore: percentage,
    podInitialBackoffSeconds: seconds,
    podMaxBackoffSeconds: seconds,
    ...unusedFields(['parallelism', 'enableProfiling', 'enableContentionProfiling', 'percentageOfPlacementsToScore']),
    extenders: { type: 'array', maxItems: 32, items: extenderSchema },
    ...unusedFields(['delayCacheUntilActive']),
  },
  read(content) {
    return {
      leaderElect: inside(content, 'leaderElection', 'leaderElect'),
      leaderElectLeaseDuration: inside(content, 'leaderElection', 'leaseDuration'),
      leaderElectRenewDeadline: inside(content, 'leaderElection', 'renewDeadline'),
      leaderElectRetryPeriod: inside(content, 'leaderElection', 'retryPeriod'),
      leaderElectResourceLock: inside(content, 'leaderElection', 'resourceLock'),
      leaderElectResourceName: inside(content, 'leaderElection', 'resourceName'),
      leaderElectResourceNamespace: inside(content, 'leaderElection', 'resourceNamespace'),
      kubeconfig: inside(content, 'clientConnection', 'kubeconfig'),
    }
  },
}

function inside(content: ConfigFileContent, field: string, name: string): FileSetting | undefined {
  const holder = content[field]
  if (typeof holder !== 'object' || holder === null) return undefined
  const value = new Map<string, unknown>(Object.entries(holder)).get(name)
  return value === undefined ? undefined : { field: `${field}.${name}`, text: String(value) }
}
