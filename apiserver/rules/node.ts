import { familyOf } from '../../shared/addresses/ip-families.ts'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import type { Node, Taint } from '../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems, labelValueProblems } from '../../shared/selectors/label-syntax.ts'
import { sameValue } from '../registry/same-value.ts'
import { nodeStatusProblems } from './node-status.ts'
import { cidrProblems } from './service/addresses.ts'

const effects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** Taints well formed and unique, pod ranges real ranges, the status as every part that writes it may write it. */
export function* nodeProblems({ spec, status }: Node): Generator<FieldProblem> {
  yield* taintsProblems(spec.taints ?? [], 'spec.taints')
  for (const [index, range] of (spec.podCIDRs ?? []).entries()) yield* cidrProblems(range, `spec.podCIDRs[${index}]`)
  if (new Set((spec.podCIDRs ?? []).map(familyOf)).size !== (spec.podCIDRs?.length ?? 0))
    yield fieldProblem.invalid('spec.podCIDRs', spec.podCIDRs, 'may specify no more than one CIDR for each IP family')
  yield* nodeStatusProblems(status)
}

/** A node's ranges and identity, once given, stay; one that has a range of one family may get the other's, as its cluster does. */
export function* nodeUpdateProblems(next: Node, previous: Node): Generator<FieldProblem> {
  const had = previous.spec.podCIDRs ?? []
  if (had.length > 0 && !sameValue(next.spec.podCIDRs?.slice(0, had.length), had)) {
    yield fieldProblem.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
  }
  if (previous.spec.providerID && next.spec.providerID !== previous.spec.providerID) {
    yield fieldProblem.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')
  }
}

function* taintsProblems(taints: readonly Taint[], path: string): Generator<FieldProblem> {
  const seen = new Set<string>()
  for (const [index, { key, value, effect }] of taints.entries()) {
    const at = `${path}[${index}]`
    for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${at}.key`, key, problem)
    for (const problem of labelValueProblems(value ?? '')) yield fieldProblem.invalid(`${at}.value`, value, problem)
    if (!effect) yield fieldProblem.required(`${at}.effect`)
    else if (!effects.includes(effect)) yield fieldProblem.notSupported(`${at}.effect`, effect, effects)
    const identity = `${effect}/${key}`
    if (seen.has(identity)) yield fieldProblem.duplicate(at, { key, value, effect })
    seen.add(identity)
  }
}
