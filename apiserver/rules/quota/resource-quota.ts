import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ResourceQuota, ResourceQuotaSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { parseQuantity } from '../../../shared/quantity/quantity.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { isStandardInQuota, isStandardResource, isWholeResource, scopeCovers } from './resource-names.ts'

type Amounts = Readonly<Record<string, string>>

const SCOPES_THAT_EXIST: ReadonlySet<string> = new Set([
  ...['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity'],
])
const scopes: ReadonlySet<string> = new Set([...SCOPES_THAT_EXIST, 'PriorityClass', 'VolumeAttributesClass'])
const contradictions = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

const MUST_EXIST =
  "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

/** What a quota limits, and of what. */
export function* resourceQuotaProblems({ hard = {}, scopes: plain = [], scopeSelector }: ResourceQuotaSpec): Generator<FieldProblem> {
  yield* quotaAmountsProblems(hard, 'spec.hard')
  yield* scopesProblems(plain, plain, hard, 'spec.scopes')
  if (!scopeSelector) return
  const path = 'spec.scopeSelector.matchExpressions'
  const expressions = scopeSelector.matchExpressions ?? []
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!scopes.has(scopeName)) yield fieldProblem.invalid(`${path}.scopeName`, scopeName, 'unsupported scope')
    yield* uncovered(scopeName, hard, scopeSelector, path)
    if (SCOPES_THAT_EXIST.has(scopeName) && operator !== 'Exists') yield fieldProblem.invalid(`${path}.operator`, operator, MUST_EXIST)
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length > 0) continue
      yield fieldProblem.required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length === 0) continue
      const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
      yield fieldProblem.invalid(`${path}.values`, values, detail)
    } else yield fieldProblem.invalid(`${path}.operator`, operator, 'not a valid selector operator')
  }
  yield* contradicting(new Set(expressions.map(({ scopeName }) => scopeName)), plain, path)
}

/** Names that a quota may limit, amounts that are not negative, and whole where pieces are counted. */
export function* quotaAmountsProblems(amounts: Amounts | undefined, path: string): Generator<FieldProblem> {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    const at = `${path}[${name}]`
    for (const problem of labelKeyProblems(name)) yield fieldProblem.invalid(at, name, problem)
    if (!name.includes('/')) {
      if (!isStandardResource(name)) yield fieldProblem.invalid(at, name, 'must be a standard resource type or fully qualified')
      if (!isStandardInQuota(name)) yield fieldProblem.invalid(at, name, 'must be a standard resource for quota')
    }
    const { nano } = parseQuantity(amount)
    if (nano < 0n) yield fieldProblem.invalid(at, amount, 'must be greater than or equal to 0')
    if (isWholeResource(name) && nano % 1_000_000_000n !== 0n) yield fieldProblem.invalid(at, amount, 'must be an integer')
  }
}

/** The scopes say which usage there is to compare with: another set is another quota. */
export function* resourceQuotaUpdateProblems(next: ResourceQuota, previous: ResourceQuota): Generator<FieldProblem> {
  const now = new Set(next.spec.scopes)
  const before = new Set(previous.spec.scopes)
  if (now.size !== before.size || [...now].some((scope) => !before.has(scope))) {
    yield fieldProblem.invalid('spec.scopes', next.spec.scopes, 'field is immutable')
  }
}

/** Written by the quota controller and by admission. */
export function* resourceQuotaStatusProblems({ status }: ResourceQuota): Generator<FieldProblem> {
  yield* quotaAmountsProblems(status.hard, 'status.hard')
  yield* quotaAmountsProblems(status.used, 'status.used')
}

function* scopesProblems(named: readonly string[], shown: unknown, hard: Amounts, path: string): Generator<FieldProblem> {
  for (const scope of named) {
    if (!scopes.has(scope)) yield fieldProblem.invalid(path, shown, 'unsupported scope')
    yield* uncovered(scope, hard, shown, path)
  }
  yield* contradicting(new Set(named), shown, path)
}

function* uncovered(scope: string, hard: Amounts, shown: unknown, path: string): Generator<FieldProblem> {
  if (!scopes.has(scope)) return
  for (const name of Object.keys(hard)) {
    if (isStandardInQuota(name) && !scopeCovers(scope, name))
      yield fieldProblem.invalid(path, shown, 'unsupported scope applied to resource')
  }
}

function* contradicting(named: ReadonlySet<string>, shown: unknown, path: string): Generator<FieldProblem> {
  for (const pair of contradictions) {
    if (pair.every((scope) => named.has(scope))) yield fieldProblem.invalid(path, shown, 'conflicting scopes')
  }
}
