import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { TopologySpreadConstraint } from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'

const actions = ['DoNotSchedule', 'ScheduleAnyway']
const policies = ['Honor', 'Ignore']

/** How evenly pods must be spread; one constraint a pair of key and action. */
export function* topologySpreadProblems(constraints: readonly TopologySpreadConstraint[], path: string): Generator<FieldProblem> {
  const pairs = new Set<string>()
  for (const [index, constraint] of constraints.entries()) {
    const at = `${path}[${index}]`
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint
    if (maxSkew <= 0) yield fieldProblem.invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero')
    if (!topologyKey) yield fieldProblem.required(`${at}.topologyKey`, 'can not be empty')
    else for (const problem of labelKeyProblems(topologyKey)) yield fieldProblem.invalid(`${at}.topologyKey`, topologyKey, problem)
    if (!actions.includes(whenUnsatisfiable)) yield fieldProblem.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, actions)
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (pairs.has(pair)) yield fieldProblem.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair)
    pairs.add(pair)
    if (minDomains !== undefined) {
      if (minDomains <= 0) yield fieldProblem.invalid(`${at}.minDomains`, minDomains, 'must be greater than zero')
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
        yield fieldProblem.invalid(`${at}.minDomains`, minDomains, detail)
      }
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field]
      if (policy !== undefined && !policies.includes(policy)) yield fieldProblem.notSupported(`${at}.${field}`, policy, policies)
    }
    yield* labelSelectorProblems(constraint.labelSelector, `${at}.labelSelector`)
  }
}
