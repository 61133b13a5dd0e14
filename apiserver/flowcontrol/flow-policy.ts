import type { FlowSchema, PriorityLevelConfiguration } from '../../shared/openapi/generated/flowcontrol-v1.ts'
import type { User } from '../authn/user.ts'
import type { RequestInfo } from '../http/request-info.ts'
import { mandatoryLevels, mandatorySchemas } from './bootstrap-policy.ts'
import type { QueueShape } from './fair-queues.ts'
import { compileRules, type SubjectRules } from './flow-schema-rules.ts'
import { type SeatShare, shareSeats } from './seat-shares.ts'

/** A priority level, ready for use. */
export interface LevelPlan {
  readonly name: string
  readonly uid: string
  /** Requests of an exempt level need no seat. */
  readonly isExempt: boolean
  readonly share: SeatShare
  /** Absent: who finds no seat is refused at once. */
  readonly queues: QueueShape | undefined
}

/** A FlowSchema, ready for use. */
export interface SchemaPlan {
  readonly name: string
  readonly uid: string
  readonly level: string
  readonly distinguisher: 'ByUser' | 'ByNamespace' | undefined
  readonly rules: readonly SubjectRules[]
}

/** What the stored objects say, as of one moment. */
export interface FlowPolicy {
  readonly levels: readonly LevelPlan[]
  /** In the order in which they are asked; each of a level that exists. The last fits everything. */
  readonly schemas: readonly SchemaPlan[]
}

/** Works the policy out. The mandatory objects hold whether or not they are stored. */
export function planFlows(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[], seats: number): FlowPolicy {
  const allLevels = withMissing(levels, mandatoryLevels, 'PriorityLevelConfiguration' as const)
  const allSchemas = withMissing(schemas, mandatorySchemas, 'FlowSchema' as const)
  const shares = shareSeats(
    seats,
    allLevels.map(({ spec: { limited, exempt } }) => ({
      shares: (limited ? (limited.nominalConcurrencyShares ?? 0) : exempt?.nominalConcurrencyShares) ?? 0,
      lendablePercent: (limited ?? exempt)?.lendablePercent ?? 0,
      borrowingLimitPercent: limited?.borrowingLimitPercent,
    })),
  )
  const names = new Set(allLevels.map(({ metadata }) => metadata.name))
  return {
    levels: allLevels.map(({ metadata, spec }, index) => ({
      ...{ name: metadata.name ?? '', uid: metadata.uid ?? '', isExempt: spec.type === 'Exempt', share: shares[index]! },
      queues: spec.limited?.limitResponse.queuing,
    })),
    schemas: allSchemas
      .filter(({ spec }) => names.has(spec.priorityLevelConfiguration.name))
      .sort((a, b) => a.spec.matchingPrecedence - b.spec.matchingPrecedence || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
      .map((schema) => ({
        ...{ name: schema.metadata.name ?? '', uid: schema.metadata.uid ?? '', level: schema.spec.priorityLevelConfiguration.name },
        distinguisher: distinguisherOf(schema),
        rules: compileRules(schema),
      })),
  }
}

function withMissing<T extends FlowSchema | PriorityLevelConfiguration>(
  present: readonly T[],
  mandatory: readonly { name: string; spec: T['spec'] }[],
  kind: T['kind'],
): T[] {
  const missing = mandatory.filter(({ name }) => !present.some(({ metadata }) => metadata.name === name))
  const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'
  return [...present, ...missing.map(({ name, spec }) => ({ apiVersion, kind, metadata: { name }, spec, status: {} }) as T)]
}

function distinguisherOf({ spec }: FlowSchema): SchemaPlan['distinguisher'] {
  const type = spec.distinguisherMethod?.type
  return type === 'ByUser' || type === 'ByNamespace' ? type : undefined
}

/** Says which schema a request belongs to. What a user's schemas are is found once for each User object. */
export class Classifier<S extends { readonly plan: SchemaPlan }> {
  readonly #schemas: readonly S[]
  readonly #ofUser = new WeakMap<User, readonly { schema: S; rules: SubjectRules }[]>()

  constructor(schemas: readonly S[]) {
    this.#schemas = schemas
  }

  /** Undefined for a user in no group at all, whom not even the last schema names. */
  schemaOf(info: RequestInfo, user: User): S | undefined {
    const known = this.#ofUser.get(user) ?? this.#remember(user)
    for (const { schema, rules } of known) if (rules.fits(info)) return schema
    return undefined
  }

  #remember(user: User) {
    const found = this.#schemas.flatMap((schema) =>
      schema.plan.rules.filter((rules) => rules.isFor(user)).map((rules) => ({ schema, rules })),
    )
    this.#ofUser.set(user, found)
    return found
  }
}
