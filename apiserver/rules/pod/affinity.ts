import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
} from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { labelKeysProblems } from './label-keys.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

/** Where a pod must or would rather run. */
export function* affinityProblems(affinity: Affinity, path: string): Generator<FieldProblem> {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  if (nodeAffinity?.[REQUIRED]) yield* nodeSelectorProblems(nodeAffinity[REQUIRED], `${path}.nodeAffinity.${REQUIRED}`)
  for (const [index, { weight, preference }] of (nodeAffinity?.[PREFERRED] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${PREFERRED}[${index}]`
    yield* weightProblems(weight, `${at}.weight`)
    yield* nodeTermProblems(preference, `${at}.preference`)
  }
  if (podAffinity) yield* podAffinityProblems(podAffinity, `${path}.podAffinity`)
  if (podAntiAffinity) yield* podAffinityProblems(podAntiAffinity, `${path}.podAntiAffinity`)
}

export function* nodeSelectorProblems(selector: NodeSelector, path: string): Generator<FieldProblem> {
  if (selector.nodeSelectorTerms.length === 0) {
    yield fieldProblem.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')
  }
  for (const [index, term] of selector.nodeSelectorTerms.entries()) yield* nodeTermProblems(term, `${path}.nodeSelectorTerms[${index}]`)
}

function* nodeTermProblems(term: NodeSelectorTerm, path: string): Generator<FieldProblem> {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`
    yield* requirementProblems(requirement, at)
    for (const problem of labelKeyProblems(requirement.key)) yield fieldProblem.invalid(`${at}.key`, requirement.key, problem)
  }
  for (const [index, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const at = `${path}.matchFields[${index}]`
    if (key !== 'metadata.name') yield fieldProblem.invalid(`${at}.key`, key, 'not a valid field selector key')
    if (operator !== 'In' && operator !== 'NotIn') yield fieldProblem.invalid(`${at}.operator`, operator, 'not a valid selector operator')
    else if (values.length !== 1) {
      yield fieldProblem.required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
    }
  }
}

function* requirementProblems({ operator, values = [] }: NodeSelectorRequirement, path: string): Generator<FieldProblem> {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) yield fieldProblem.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0)
        yield fieldProblem.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1)
        yield fieldProblem.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")
      break
    default:
      yield fieldProblem.invalid(`${path}.operator`, operator, 'not a valid selector operator')
  }
}

function* podAffinityProblems(affinity: PodAffinity, path: string): Generator<FieldProblem> {
  for (const [index, term] of (affinity[REQUIRED] ?? []).entries()) yield* podTermProblems(term, `${path}.${REQUIRED}[${index}]`)
  for (const [index, { weight, podAffinityTerm }] of (affinity[PREFERRED] ?? []).entries()) {
    const at = `${path}.${PREFERRED}[${index}]`
    yield* weightProblems(weight, `${at}.weight`)
    yield* podTermProblems(podAffinityTerm, `${at}.podAffinityTerm`)
  }
}

function* podTermProblems(term: PodAffinityTerm, path: string): Generator<FieldProblem> {
  yield* labelSelectorProblems(term.labelSelector, `${path}.labelSelector`)
  yield* labelSelectorProblems(term.namespaceSelector, `${path}.namespaceSelector`)
  yield* labelKeysProblems(term, path)
  for (const name of term.namespaces ?? []) {
    for (const problem of dnsLabelProblems(name)) yield fieldProblem.invalid(`${path}.namespace`, name, problem)
  }
  if (!term.topologyKey) yield fieldProblem.required(`${path}.topologyKey`, 'can not be empty')
  for (const problem of labelKeyProblems(term.topologyKey)) yield fieldProblem.invalid(`${path}.topologyKey`, term.topologyKey, problem)
}

function* weightProblems(weight: number, path: string): Generator<FieldProblem> {
  if (weight <= 0 || weight > 100) yield fieldProblem.invalid(path, weight, 'must be in the range 1-100')
}
