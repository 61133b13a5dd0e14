import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { PodSpec, ResourceRequirements } from '../../../shared/openapi/generated/core-v1.ts'
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../../../shared/quantity/quantity.ts'
import { requirementsProblems } from '../container/resource-requirements.ts'

type Amounts = Record<string, string>

/** What a whole pod may have amounts of (KEP-2837). */
const isOfPods = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/** A pod that has amounts of its own asks for what its containers ask for together, else for what it is limited to. Edits in place. */
export function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec
  if (!resources) return
  const given = { ...sumOfRequests(spec), ...resources.requests }
  const requests: Amounts = {}
  for (const [name, amount] of Object.entries({ ...resources.limits, ...given }))
    if (isOfPods(name) || resources.requests?.[name]) requests[name] = amount
  if (Object.keys(requests).length > 0) resources.requests = requests
}

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
    const asked = together[name]
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
        const limit = limits[name]
        if (limit === undefined || compareQuantities(parseQuantity(amount), parseQuantity(limit)) <= 0) continue
        const detail = `must be less than or equal to pod limits of ${limit}`
        yield fieldProblem.invalid(`spec.${list}[${index}].resources.limits[${name}]`, amount, detail)
      }
    }
  }
}

/** Of the containers that run together; limits count where there is no request. */
function sumOfRequests(spec: PodSpec): Amounts {
  const sums = new Map<string, Quantity>()
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { resources } of [...spec.containers, ...sidecars]) {
    for (const [name, amount] of Object.entries({ ...resources.limits, ...resources.requests })) {
      if (!isOfPods(name)) continue
      const sum = sums.get(name)
      sums.set(name, sum ? addQuantities(sum, parseQuantity(amount)) : parseQuantity(amount))
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, formatQuantity(sum)]))
}
