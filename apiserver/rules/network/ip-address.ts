import { isIP } from 'node:net'
import { canonicalAddress } from '../../../shared/addresses/ip-address.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { IPAddressSpec, ParentReference } from '../../../shared/openapi/generated/networking-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { segmentProblem } from '../../registry/object-metadata.ts'
import { NONE } from '../table-cells.ts'

/** The name is the address, in its one spelling: two objects are never one address. In upstream's words. */
export function addressNameProblem(name: string): string | undefined {
  const canonical = canonicalAddress(name)
  if (canonical === undefined || name.includes('%')) return 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
  if (isIP(name) !== isIP(canonical)) return 'must not be an IPv4-mapped IPv6 address'
  return canonical === name ? undefined : `must be in canonical form (${JSON.stringify(canonical)})`
}

/** Whose an address is; as upstream's ValidateIPAddress. */
export function* ipAddressProblems({ parentRef }: IPAddressSpec): Generator<FieldProblem> {
  const path = 'spec.parentRef'
  if (!parentRef) {
    yield fieldProblem.required(path)
    return
  }
  const { group, resource, namespace, name } = parentRef
  if (group) for (const problem of subdomainProblems(group)) yield fieldProblem.invalid(`${path}.group`, group, problem)
  if (!resource) yield fieldProblem.required(`${path}.resource`)
  else yield* segmentProblems(`${path}.resource`, resource)
  if (!name) yield fieldProblem.required(`${path}.name`)
  else yield* segmentProblems(`${path}.name`, name)
  if (namespace) yield* segmentProblems(`${path}.namespace`, namespace)
}

function* segmentProblems(path: string, text: string): Generator<FieldProblem> {
  const problem = segmentProblem(text)
  if (problem) yield fieldProblem.invalid(path, text, problem)
}

/** `services/default/web`, as upstream prints it. */
export function parentCell(parent: ParentReference | undefined): string {
  if (!parent) return NONE
  const { group, resource = '', namespace, name = '' } = parent
  return [(group ? `${resource}.${group}` : resource).toLowerCase(), ...(namespace ? [namespace] : []), name].join('/')
}
