import type { NodeAffinity, TopologySpreadConstraint } from '../../shared/openapi/generated/core-v1.ts'
import { closedObject, type FieldSchema, unusedFields } from '../../shared/process/config-file.ts'

/** A resource, and how much it counts beside others. */
export interface WeighedResource {
  readonly name: string
  readonly weight?: number
}

export interface FitArgs {
  readonly ignoredResources?: readonly string[]
  readonly ignoredResourceGroups?: readonly string[]
  readonly scoringStrategy?: {
    readonly type?: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio'
    readonly resources?: readonly WeighedResource[]
    readonly requestedToCapacityRatio?: { readonly shape?: readonly { readonly utilization: number; readonly score: number }[] }
  }
}

export interface SpreadArgs {
  readonly defaultConstraints?: readonly TopologySpreadConstraint[]
  readonly defaultingType?: 'System' | 'List'
}

export interface InterPodAffinityArgs {
  readonly hardPodAffinityWeight?: number
  readonly ignorePreferredTermsOfExistingPods?: boolean
}

export interface PreemptionArgs {
  readonly minCandidateNodesPercentage?: number
  readonly minCandidateNodesAbsolute?: number
}

/** What rules are told by `pluginConfig`, by the rule's name. Fields are upstream's. */
export interface PluginArgs {
  readonly NodeResourcesFit?: FitArgs
  readonly NodeResourcesBalancedAllocation?: { readonly resources?: readonly WeighedResource[] }
  readonly PodTopologySpread?: SpreadArgs
  readonly InterPodAffinity?: InterPodAffinityArgs
  readonly NodeAffinity?: { readonly addedAffinity?: NodeAffinity }
  readonly DefaultPreemption?: PreemptionArgs
}

const text = { type: 'string', minLength: 1 }
const share = { type: 'integer', minimum: 0, maximum: 100 }
const texts = { type: 'array', items: text }
const resources = (heaviest: number) => ({
  type: 'array',
  minItems: 1,
  maxItems: 32,
  items: closedObject({ name: text, weight: { type: 'integer', minimum: 1, maximum: heaviest } }, ['name']),
})
const requirements = {
  type: 'array',
  items: closedObject(
    {
      key: text,
      operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] },
      values: { type: 'array', items: { type: 'string' } },
    },
    ['key', 'operator'],
  ),
}
const nodeTerm = closedObject({ matchExpressions: requirements, matchFields: requirements })

const fields: Readonly<Record<keyof PluginArgs, Readonly<Record<string, FieldSchema>>>> = {
  NodeResourcesFit: {
    ignoredResources: texts,
    ignoredResourceGroups: texts,
    scoringStrategy: closedObject({
      type: { enum: ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'] },
      resources: resources(100),
      requestedToCapacityRatio: closedObject({
        shape: {
          ...{ type: 'array', minItems: 1, maxItems: 101 },
          items: closedObject({ utilization: share, score: { type: 'integer', minimum: 0, maximum: 10 } }, ['utilization', 'score']),
        },
      }),
    }),
  },
  NodeResourcesBalancedAllocation: { resources: resources(1) },
  PodTopologySpread: {
    defaultingType: { enum: ['System', 'List'] },
    defaultConstraints: {
      ...{ type: 'array', maxItems: 32 },
      items: closedObject(
        {
          ...{
            maxSkew: { type: 'integer', minimum: 1 },
            topologyKey: text,
            whenUnsatisfiable: { enum: ['DoNotSchedule', 'ScheduleAnyway'] },
          },
          ...{ minDomains: { type: 'integer', minimum: 1 }, nodeAffinityPolicy: { enum: ['Honor', 'Ignore'] } },
          nodeTaintsPolicy: { enum: ['Honor', 'Ignore'] },
        },
        ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
      ),
    },
  },
  InterPodAffinity: { hardPodAffinityWeight: share, ignorePreferredTermsOfExistingPods: { type: 'boolean' } },
  NodeAffinity: {
    addedAffinity: closedObject({
      requiredDuringSchedulingIgnoredDuringExecution: closedObject({ nodeSelectorTerms: { type: 'array', minItems: 1, items: nodeTerm } }, [
        'nodeSelectorTerms',
      ]),
      preferredDuringSchedulingIgnoredDuringExecution: {
        ...{
          type: 'array',
          items: closedObject({ weight: { type: 'integer', minimum: 1, maximum: 100 }, preference: nodeTerm }, ['weight', 'preference']),
        },
      },
    }),
  },
  DefaultPreemption: { minCandidateNodesPercentage: share, minCandidateNodesAbsolute: { type: 'integer', minimum: 0 } },
}

/** Rules whose arguments are known and not acted on. */
const unused = ['VolumeBinding', 'DynamicResources']

/** What an entry of one of these names holds. */
function ofRules(names: readonly string[], properties: Readonly<Record<string, FieldSchema>>): FieldSchema {
  // biome-ignore lint/suspicious/noThenProperty: a word of JSON schema
  return { if: { properties: { name: { enum: names } } }, then: { properties } }
}

/** Of one entry of `pluginConfig`: what `args` may hold is decided by `name`. */
export const pluginConfigEntry: FieldSchema = {
  ...closedObject({ name: { enum: [...Object.keys(fields), ...unused] }, args: { type: 'object' } }, ['name']),
  allOf: [
    ...Object.entries(fields).map(([name, own]) =>
      ofRules([name], { args: closedObject({ apiVersion: {}, kind: { const: `${name}Args` }, ...own }) }),
    ),
    ofRules(unused, unusedFields(['args'])),
  ],
}
