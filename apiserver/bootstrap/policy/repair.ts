import { sameJson } from '../../../shared/objects/same-json.ts'
import type {
  AggregationRule,
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  Subject,
} from '../../../shared/openapi/generated/rbac-v1.ts'
import { notCovered } from '../../authz/rule-coverage.ts'

/** Whoever changed an object on purpose says so by setting this annotation to "false", and keeps the change. */
export const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

/**
 * The role as it should be after a start, or undefined when it will do (upstream's reconciliation, which adds only): missing rules,
 * labels and annotations are added, an aggregation is restored or taken away; what people added stays.
 */
export function repairedClusterRole(present: ClusterRole, wanted: ClusterRole): ClusterRole | undefined {
  if (isLeftAlone(present)) return undefined
  const { aggregationRule, ...rest } = present
  const aggregation = repairedAggregation(aggregationRule, wanted.aggregationRule)
  // The rules of an aggregated role are the sum of other roles' and not its own.
  const rules = aggregationRule && wanted.aggregationRule ? present.rules : withMissingRules(present, wanted)
  const metadata = withMissingMarks(present, wanted)
  const repaired = { ...rest, metadata, ...(rules ? { rules } : {}), ...(aggregation ? { aggregationRule: aggregation } : {}) }
  return sameJson(repaired, present) ? undefined : repaired
}

/** The same for a role of one namespace. */
export function repairedRole(present: Role, wanted: Role): Role | undefined {
  if (isLeftAlone(present)) return undefined
  const repaired = { ...present, metadata: withMissingMarks(present, wanted), rules: withMissingRules(present, wanted) }
  return sameJson(repaired, present) ? undefined : repaired
}

/**
 * The binding as it should be after a start, or undefined when it will do: missing subjects are added, those that people added stay.
 * `remake`: it names another role than it should, which no update can change.
 */
export function repairedBinding<B extends ClusterRoleBinding | RoleBinding>(present: B, wanted: B): B | 'remake' | undefined {
  if (isLeftAlone(present)) return undefined
  if (present.roleRef.kind !== wanted.roleRef.kind || present.roleRef.name !== wanted.roleRef.name) return 'remake'
  const subjects = present.subjects ?? []
  const missing = (wanted.subjects ?? []).filter((subject) => !subjects.some((each) => sameSubject(each, subject)))
  const repaired = {
    ...present,
    metadata: withMissingMarks(present, wanted),
    ...(missing.length > 0 ? { subjects: [...subjects, ...missing] } : {}),
  }
  return sameJson(repaired, present) ? undefined : repaired
}

function withMissingRules(present: Pick<Role, 'rules'>, wanted: Pick<Role, 'rules'>): NonNullable<Role['rules']> {
  const rules = present.rules ?? []
  return [...rules, ...notCovered(rules, wanted.rules ?? [])]
}

function repairedAggregation(present: AggregationRule | undefined, wanted: AggregationRule | undefined): AggregationRule | undefined {
  if (!wanted) return undefined
  const selectors = present?.clusterRoleSelectors ?? []
  const missing = (wanted.clusterRoleSelectors ?? []).filter((selector) => !selectors.some((each) => sameJson(each, selector)))
  return { ...present, clusterRoleSelectors: [...selectors, ...missing] }
}

/** A label or annotation that is there keeps the value that people gave it. */
function withMissingMarks<T extends Pick<Role, 'metadata'>>(present: T, wanted: T): T['metadata'] {
  return {
    ...present.metadata,
    labels: { ...wanted.metadata.labels, ...present.metadata.labels },
    annotations: { ...wanted.metadata.annotations, ...present.metadata.annotations },
  }
}

const isLeftAlone = ({ metadata }: Pick<Role, 'metadata'>) => metadata.annotations?.[AUTO_UPDATE] === 'false'

const sameSubject = (one: Subject, other: Subject) =>
  one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '')
