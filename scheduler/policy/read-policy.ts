import { ConfigError } from '../../shared/process/config.ts'
import { readConfigContent } from '../../shared/process/config-file.ts'
import type { SchedulerConfig } from '../config.ts'
import { type ExtenderSettings, readExtenders } from '../extenders/extender-config.ts'
import { type PluginSet, schedulerConfiguration, type WrittenPolicy, type WrittenProfile } from './config-file.ts'
import type { PluginArgs, PreemptionArgs } from './plugin-args.ts'
import { POINTS, type Point } from './points.ts'
import { changesOfFlag, type PolicyChange, profileOf, type Weighted } from './profile.ts'

/** How the pods of one `spec.schedulerName` are placed. */
export interface Profile {
  readonly schedulerName: string
  readonly rules: readonly Weighted[]
  /** Of all nodes so many per cent that fit are enough; undefined: by the size of the cluster. */
  readonly percentageOfNodes: number | undefined
  /** How room is made for pods that fit nowhere; undefined: it is not. */
  readonly preemption: PreemptionArgs | undefined
}

export interface Policy {
  readonly profiles: readonly Profile[]
  readonly firstBackoffMilliseconds: number
  readonly longestBackoffMilliseconds: number
  readonly extenders: readonly ExtenderSettings[]
}

const DEFAULT_NAME = 'default-scheduler'
const FIRST_BACKOFF_SECONDS = 1
const LONGEST_BACKOFF_SECONDS = 10

/** What flags and the file say together. @throws ConfigError that names the field */
export async function readPolicy(config: SchedulerConfig): Promise<Policy> {
  if (config.config === undefined) return policyOf(config)
  const { content } = await readConfigContent<WrittenPolicy>(config.config, schedulerConfiguration)
  return policyOf(config, content, config.config, await readExtenders(content.extenders ?? [], config.config))
}

/** @throws ConfigError */
export function policyOf(
  { schedulerName, plugins }: Pick<SchedulerConfig, 'schedulerName' | 'plugins'>,
  written: WrittenPolicy = {},
  file = '',
  extenders: readonly ExtenderSettings[] = [],
): Policy {
  const { podInitialBackoffSeconds: first = FIRST_BACKOFF_SECONDS, podMaxBackoffSeconds: longest = LONGEST_BACKOFF_SECONDS } = written
  if (first > longest) throw new ConfigError(`${file}: podMaxBackoffSeconds: must not be less than podInitialBackoffSeconds (${first})`)
  const all = written.profiles?.length ? written.profiles : [{}]
  if (all.length > 1 && (schedulerName !== undefined || plugins.length > 0))
    throw new ConfigError(`--scheduler-name and --plugins are about one profile, and ${file} has ${all.length}`)
  const profiles = all.map((profile, index) => {
    const place = `${file}: profiles[${index}]`
    if (all.length > 1 && profile.schedulerName === undefined)
      throw new ConfigError(`${place}.schedulerName: is required where there are several profiles`)
    const args = withoutManaged(argsOf(profile, place), extenders)
    const { rules, preempts } = profileOf([...changesOf(profile, place), ...changesOfFlag(plugins)], args)
    return {
      schedulerName: schedulerName ?? profile.schedulerName ?? DEFAULT_NAME,
      rules,
      // 0 is upstream's word for "by the size of the cluster".
      percentageOfNodes: (profile.percentageOfNodesToScore ?? written.percentageOfNodesToScore) || undefined,
      preemption: preempts ? (args.DefaultPreemption ?? {}) : undefined,
    }
  })
  const twice = profiles.findIndex((profile, index) => profiles.findIndex((other) => other.schedulerName === profile.schedulerName) < index)
  if (twice >= 0)
    throw new ConfigError(
      `${file}: profiles[${twice}].schedulerName: ${JSON.stringify(profiles[twice]?.schedulerName)} has a profile already`,
    )
  return { profiles, firstBackoffMilliseconds: first * 1_000, longestBackoffMilliseconds: longest * 1_000, extenders }
}

/** What is enabled wins over what is disabled, and a point's own list over multiPoint, as upstream. */
function changesOf({ plugins = {} }: WrittenProfile, place: string): PolicyChange[] {
  const changes = (point: Point, { disabled = [], enabled = [] }: PluginSet): PolicyChange[] => [
    ...disabled.map(({ name }, index) => ({ point, name, weight: undefined, place: `${place}.plugins.${point}.disabled[${index}].name` })),
    ...enabled.map(({ name, weight }, index) => ({
      point,
      name,
      weight: weight || 1,
      place: `${place}.plugins.${point}.enabled[${index}].name`,
    })),
  ]
  return POINTS.flatMap((point) => changes(point, plugins[point] ?? {}))
}

/** The schema has checked each by its name. */
function argsOf({ pluginConfig = [] }: WrittenProfile, place: string): PluginArgs {
  const args: Partial<Record<keyof PluginArgs, object>> = {}
  for (const [index, { name, args: own = {} }] of pluginConfig.entries()) {
    if (args[name]) throw new ConfigError(`${place}.pluginConfig[${index}].name: ${name} has its arguments already`)
    args[name] = own
  }
  const read = args as PluginArgs
  checkShape(read, place)
  checkSpread(read, place)
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = read.DefaultPreemption ?? {}
  if (percentage === 0 && absolute === 0)
    throw new ConfigError(`${place}: DefaultPreemption: minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be zero`)
  return read
}

/** What an extender counts alone, is not counted here. */
function withoutManaged(args: PluginArgs, extenders: readonly ExtenderSettings[]): PluginArgs {
  const managed = extenders.flatMap(({ managedResources = [] }) =>
    managedResources.filter((each) => each.ignoredByScheduler).map(({ name }) => name),
  )
  if (managed.length === 0) return args
  const fit = args.NodeResourcesFit
  return { ...args, NodeResourcesFit: { ...fit, ignoredResources: [...(fit?.ignoredResources ?? []), ...managed] } }
}

function checkShape({ NodeResourcesFit }: PluginArgs, place: string): void {
  const { type, requestedToCapacityRatio } = NodeResourcesFit?.scoringStrategy ?? {}
  const shape = requestedToCapacityRatio?.shape ?? []
  const field = `${place}: NodeResourcesFit: scoringStrategy.requestedToCapacityRatio.shape`
  if (type === 'RequestedToCapacityRatio' && shape.length === 0) throw new ConfigError(`${field}: at least one point must be specified`)
  const wrong = shape.findIndex(({ utilization }, index) => index > 0 && utilization <= (shape[index - 1]?.utilization ?? 0))
  if (wrong >= 0) throw new ConfigError(`${field}[${wrong}].utilization: utilization values must be sorted in increasing order`)
}

function checkSpread({ PodTopologySpread }: PluginArgs, place: string): void {
  const { defaultingType, defaultConstraints = [] } = PodTopologySpread ?? {}
  if (defaultingType === 'System' && defaultConstraints.length > 0)
    throw new ConfigError(`${place}: PodTopologySpread: defaultConstraints: when .defaultingType is System, must be empty`)
}
