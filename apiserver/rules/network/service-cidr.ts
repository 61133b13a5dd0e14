import { IpRange } from '../../../shared/addresses/ip-range.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ServiceCIDRSpec } from '../../../shared/openapi/generated/networking-v1.ts'
import { cidrProblems } from '../service/addresses.ts'

const PATH = 'spec.cidrs'
const IMMUTABLE = 'field is immutable'

/** One range, or one of each family; as upstream's ValidateServiceCIDR. */
export function* serviceCIDRProblems({ cidrs = [] }: ServiceCIDRSpec): Generator<FieldProblem> {
  if (cidrs.length === 0) yield fieldProblem.required(PATH, 'at least one CIDR required')
  else if (cidrs.length > 2) yield fieldProblem.invalid(PATH, cidrs, 'may only hold up to 2 values')
  else if (cidrs.length === 2 && new Set(cidrs.map((cidr) => cidr.includes(':'))).size === 1) {
    yield fieldProblem.invalid(PATH, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')
  } else for (const [index, cidr] of cidrs.entries()) yield* rangeProblems(`${PATH}[${index}]`, cidr)
}

/** A range is for life; one of the other family may join it, as upstream lets it (ValidateServiceCIDRUpdate). */
export function* serviceCIDRUpdateProblems(next: ServiceCIDRSpec, previous: ServiceCIDRSpec): Generator<FieldProblem> {
  const [now, before] = [next.cidrs ?? [], previous.cidrs ?? []]
  const mayGrow = before.length === 1 && now.length === 2
  if (now.length !== before.length && !mayGrow) yield fieldProblem.invalid(PATH, now, IMMUTABLE)
  else {
    for (const [index, range] of before.entries()) {
      if (now[index] !== range) yield fieldProblem.invalid(`${PATH}[${index}]`, now[index], IMMUTABLE)
    }
  }
}

/** In one spelling: two texts are never one range. */
function* rangeProblems(path: string, cidr: string): Generator<FieldProblem> {
  const problems = [...cidrProblems(cidr, path)]
  yield* problems
  const canonical = IpRange.parse(cidr)?.text
  if (problems.length > 0 || canonical === undefined || canonical === cidr) return
  yield fieldProblem.invalid(path, cidr, `must be in canonical form (${JSON.stringify(canonical)})`)
}
