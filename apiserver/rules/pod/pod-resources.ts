import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { own } from '../../../shared/objects/own.ts'
import type { PodSpec, ResourceRequirements } from '../../../shared/openapi/generated/core-v1.ts'
import { isOfPods, sumOfRequests } from '../../../shared/pods/pod-resource-defaults.ts'
import { compareQuantities, parseQuantity } from '../../../shared/quantity/quantity.ts'
import { requirementsProblems } from '../container/resource-requirements.ts'

/** Amounts of a whole pod: known names, no less than the containers ask for, and no container may have more. */
export function* podResourcesProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  const { resources } = spec
  if (!resources) return
  if (resources.claims?.length) yield fieldProblem.forbidden(`${path}.claims`, 'claims cannot be set for Resources at pod-level')
  for (const part of ['limits', 'requests'] as const) {
    for (const name of Object.keys(resources[part] ?? {})) {
      if (!isOfPods(name)) yield fieldProblem.notSupported(`${path}.${part}`, name, ['cpu', 'memory', 'hugepages-'])
    }
  }
  yield* requirementsProblems(resources, path)
  const together = sumOfRequests(spec)
  for (const [name, request] of Object.entries(resources.requests ?? {})) {
    const asked = own(together, name)
    if (asked === undefined || compareQuantities(parseQuantity(request), parseQuantity(asked)) >= 0) continue
    yield fieldProblem.invalid(
      `${path}.requests[${name}]`,
      request,
      `must be greater than or equal to aggregate container requests of ${asked}`,
    )
  }
  yield* limitProblems(spec, resources)
}

function* limitProblems(spec: PodSpec, { limits = {} }: ResourceRequirements): Generator<FieldProblem> {
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      for (const [name, amount] of Object.entries(container.resources.limits ?? {})) {
        const limit = own(limits, name)
        if (limit === undefined || compareQuantities(parseQuantity(amount), parseQuantity(limit)) <= 0) continue
        const detail = `must be less than or equal to pod limits of ${limit}`
        yield fieldProblem.invalid(`spec.${list}[${index}].resources.limits[${name}]`, amount, detail)
      }
    }
  }
}
