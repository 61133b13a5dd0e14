import { own } from '../objects/own.ts'
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../openapi/generated/core-v1.ts'
import { meets } from '../selectors/value-operators.ts'

type NodeFacts = Pick<Node, 'metadata'>

/** Whether the node satisfies `spec.nodeSelector` and the required node affinity; terms are alternatives, an empty term matches nothing. */
export function matchesNode(spec: Pick<PodSpec, 'nodeSelector' | 'affinity'>, node: NodeFacts): boolean {
  const labels = node.metadata.labels ?? {}
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) if (own(labels, key) !== value) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

/** Whether every expression and field of a term holds (core/v1 NodeSelectorTerm). */
export function matchesTerm(term: NodeSelectorTerm, node: NodeFacts): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length === 0 && fields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  return (
    expressions.every((requirement) => holds(requirement, own(labels, requirement.key))) &&
    fields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, node.metadata.name))
  )
}

function holds(requirement: NodeSelectorRequirement, actual: string | undefined): boolean {
  const { operator, values = [] } = requirement
  if (operator === 'Gt' || operator === 'Lt') return comparesNumerically(operator, actual, values[0])
  return meets(operator, values, actual)
}

function comparesNumerically(operator: 'Gt' | 'Lt', actual: string | undefined, bound: string | undefined): boolean {
  const whole = /^-?\d+$/
  if (!whole.test(actual ?? '') || !whole.test(bound ?? '')) return false
  const difference = BigInt(actual ?? '') - BigInt(bound ?? '')
  return operator === 'Gt' ? difference > 0n : difference < 0n
}
