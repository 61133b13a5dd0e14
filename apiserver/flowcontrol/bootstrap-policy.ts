import type {
  FlowSchemaSpec,
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '../../shared/openapi/generated/flowcontrol-v1.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'

/** A level or schema as upstream's servers make it, after defaults. */
interface Named<S> {
  readonly name: string
  readonly spec: S
}

type Level = Named<PriorityLevelConfigurationSpec>
type Schema = Named<FlowSchemaSpec>

export const EXEMPT = 'exempt'
export const CATCH_ALL = 'catch-all'

const queued = (queues: number, handSize: number): LimitedPriorityLevelConfiguration['limitResponse'] => ({
  type: 'Queue',
  queuing: { queues, handSize, queueLengthLimit: 50 },
})

function limited(
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  limitResponse: LimitedPriorityLevelConfiguration['limitResponse'],
): Level {
  return { name, spec: { type: 'Limited', limited: { nominalConcurrencyShares, limitResponse, lendablePercent } } }
}

/** Always there, and always as here: who is never held up, and whom nothing else fits. */
export const mandatoryLevels: readonly Level[] = [
  { name: EXEMPT, spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } } },
  limited(CATCH_ALL, 5, 0, { type: 'Reject' }),
]

/** The rest of upstream's bootstrap configuration: people may change these. */
export const suggestedLevels: readonly Level[] = [
  limited('system', 30, 33, queued(64, 6)),
  limited('node-high', 40, 25, queued(64, 6)),
  limited('leader-election', 10, 0, queued(16, 4)),
  limited('workload-high', 40, 50, queued(128, 6)),
  limited('workload-low', 100, 90, queued(128, 6)),
  limited('global-default', 20, 50, queued(128, 6)),
]

const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }))
const accounts = (...names: string[]): Subject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } }))

const everyResource: ResourcePolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }
const everything = (subjects: Subject[]) => ({
  subjects,
  resourceRules: [everyResource],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
})

interface SchemaParts {
  readonly level: string
  readonly precedence: number
  readonly by?: 'ByUser' | 'ByNamespace'
  readonly rules: NonNullable<FlowSchemaSpec['rules']>
}

function schema(name: string, { level, precedence, by, rules }: SchemaParts): Schema {
  const distinguisher = by && { distinguisherMethod: { type: by } }
  return { name, spec: { priorityLevelConfiguration: { name: level }, matchingPrecedence: precedence, ...distinguisher, rules } }
}

const everybody = groups(systemGroup.unauthenticated, systemGroup.authenticated)
const writesAndGets = ['get', 'create', 'update']
const leases = (namespace: string): ResourcePolicyRule => ({
  ...{ verbs: writesAndGets, apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: [namespace] },
})

export const mandatorySchemas: readonly Schema[] = [
  schema(EXEMPT, { level: EXEMPT, precedence: 1, rules: [everything(groups(systemGroup.masters))] }),
  schema(CATCH_ALL, { level: CATCH_ALL, precedence: 10_000, by: 'ByUser', rules: [everything(everybody)] }),
]

export const suggestedSchemas: readonly Schema[] = [
  schema('probes', {
    ...{ level: EXEMPT, precedence: 2 },
    rules: [{ subjects: everybody, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] }],
  }),
  schema('system-leader-election', {
    ...{ level: 'leader-election', precedence: 100, by: 'ByUser' },
    rules: [
      {
        subjects: [...users(systemUser.controllerManager, systemUser.scheduler), ...accounts('*')],
        resourceRules: [leases('kube-system')],
      },
    ],
  }),
  schema('endpoint-controller', {
    ...{ level: 'workload-high', precedence: 150, by: 'ByUser' },
    rules: [
      {
        subjects: [...users(systemUser.controllerManager), ...accounts('endpoint-controller', 'endpointslicemirroring-controller')],
        resourceRules: [{ verbs: writesAndGets, apiGroups: [''], resources: ['endpoints'], namespaces: ['*'] }],
      },
    ],
  }),
  schema('workload-leader-election', {
    ...{ level: 'leader-election', precedence: 200, by: 'ByUser' },
    rules: [{ subjects: accounts('*'), resourceRules: [leases('*')] }],
  }),
  schema('system-node-high', {
    ...{ level: 'node-high', precedence: 400, by: 'ByUser' },
    rules: [
      {
        subjects: groups(systemGroup.nodes),
        resourceRules: [
          { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
          { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
        ],
      },
    ],
  }),
  schema('system-nodes', { level: 'system', precedence: 500, by: 'ByUser', rules: [everything(groups(systemGroup.nodes))] }),
  schema('kube-controller-manager', {
    ...{ level: 'workload-high', precedence: 800, by: 'ByNamespace', rules: [everything(users(systemUser.controllerManager))] },
  }),
  schema('kube-scheduler', {
    ...{ level: 'workload-high', precedence: 800, by: 'ByNamespace', rules: [everything(users(systemUser.scheduler))] },
  }),
  schema('kube-system-service-accounts', {
    ...{ level: 'workload-high', precedence: 900, by: 'ByNamespace', rules: [everything(accounts('*'))] },
  }),
  schema('service-accounts', {
    ...{ level: 'workload-low', precedence: 9_000, by: 'ByUser', rules: [everything(groups(systemGroup.serviceAccounts))] },
  }),
  schema('global-default', { level: 'global-default', precedence: 9_900, by: 'ByUser', rules: [everything(everybody)] }),
]
