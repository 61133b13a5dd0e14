import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { own } from '../../../shared/objects/own.ts'
import type { LimitRangeItem, LimitRangeSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { compareQuantities, parseQuantity, quantityMilliValue, quantityValue } from '../../../shared/quantity/quantity.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { isExtendedResource, isHugePages, isStandardResource } from './resource-names.ts'

type Amounts = Readonly<Record<string, string>>

const types: ReadonlySet<string> = new Set(['Pod', 'Container', 'PersistentVolumeClaim'])
const ofContainers: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])
/** Below this, ratios are compared in thousandths (upstream's MaxMilliValue). */
const MAX_MILLI = Number((2n ** 63n - 1n) / 1000n)

/** What is not said follows from what is: a limit from the maximum, a request from the limit, else from the minimum. Edits in place. */
export function defaultLimitRangeItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return
  const limits = { ...item.max, ...item.default }
  const requests = { ...item.min, ...limits, ...item.defaultRequest }
  if (Object.keys(limits).length > 0) item.default = limits
  if (Object.keys(requests).length > 0) item.defaultRequest = requests
}

/** Every item bounds another type, by bounds that something can satisfy. */
export function* limitRangeProblems({ limits }: LimitRangeSpec): Generator<FieldProblem> {
  const seen = new Set<string>()
  for (const [index, item] of limits.entries()) {
    const path = `spec.limits[${index}]`
    for (const problem of labelKeyProblems(item.type)) yield fieldProblem.invalid(`${path}.type`, item.type, problem)
    if (!item.type.includes('/') && !types.has(item.type)) {
      yield fieldProblem.invalid(`${path}.type`, item.type, 'must be a standard limit type or fully qualified')
    }
    if (seen.has(item.type)) yield fieldProblem.duplicate(`${path}.type`, item.type)
    seen.add(item.type)
    yield* namesProblems(item, path)
    if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
      yield fieldProblem.required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided')
    }
    const defaults = item.type === 'Pod' ? {} : { default: item.default, defaultRequest: item.defaultRequest }
    for (const name of new Set([item.max, item.min, item.maxLimitRequestRatio, ...Object.values(defaults)].flatMap(namesOf))) {
      yield* orderProblems(name, item, path)
    }
  }
}

const namesOf = (amounts: Amounts | undefined) => Object.keys(amounts ?? {})

function* namesProblems(item: LimitRangeItem, path: string): Generator<FieldProblem> {
  for (const field of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    const names = namesOf(item[field])
    if (item.type === 'Pod' && (field === 'default' || field === 'defaultRequest')) {
      if (names.length > 0) yield fieldProblem.forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'")
      continue
    }
    for (const name of names) {
      const at = `${path}.${field}[${name}]`
      for (const problem of labelKeyProblems(name)) yield fieldProblem.invalid(at, name, problem)
      if (name.includes('/')) continue
      if (!isStandardResource(name)) yield fieldProblem.invalid(at, name, 'must be a standard resource type or fully qualified')
      const isBounded = item.type === 'Pod' || item.type === 'Container'
      if (isBounded && !ofContainers.has(name) && !name.startsWith('hugepages-')) {
        yield fieldProblem.invalid(at, name, 'must be a standard resource for containers')
      }
    }
  }
}

/** Of one resource: min ≤ defaultRequest ≤ default ≤ max, and a ratio that this leaves room for. */
function* orderProblems(name: string, item: LimitRangeItem, path: string): Generator<FieldProblem> {
  const [min, max, ratio] = [own(item.min, name), own(item.max, name), own(item.maxLimitRequestRatio, name)]
  const hasDefaults = item.type !== 'Pod'
  const limit = hasDefaults ? own(item.default, name) : undefined
  const request = hasDefaults ? own(item.defaultRequest, name) : undefined
  const wrong = (field: string, shown: string, detail: string) => fieldProblem.invalid(`${path}.${field}[${name}]`, shown, detail)
  if (above(min, max)) yield wrong('min', min, `min value ${min} is greater than max value ${max}`)
  if (above(min, request)) yield wrong('defaultRequest', `${request}`, `min value ${min} is greater than default request value ${request}`)
  if (above(request, max)) yield wrong('defaultRequest', request, `default request value ${request} is greater than max value ${max}`)
  if (above(request, limit)) {
    yield wrong('defaultRequest', request, `default request value ${request} is greater than default limit value ${limit}`)
  }
  if (above(min, limit)) yield wrong('default', min, `min value ${min} is greater than default value ${limit}`)
  if (above(limit, max)) yield wrong('default', `${max}`, `default value ${limit} is greater than max value ${max}`)
  if (ratio !== undefined) {
    if (above('1', ratio)) yield wrong('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`)
    const most = min === undefined || max === undefined ? undefined : quotientOf(max, min)
    if (most !== undefined && numberOf(ratio) > most) {
      yield wrong('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`)
    }
  }
  const isOvercommitted = !isExtendedResource(name) && !isHugePages(name)
  if (!isOvercommitted && limit !== undefined && request !== undefined && (above(limit, request) || above(request, limit))) {
    yield wrong('defaultRequest', request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`)
  }
}

function above(left: string | undefined, right: string | undefined): left is string {
  return left !== undefined && right !== undefined && compareQuantities(parseQuantity(left), parseQuantity(right)) > 0
}

function numberOf(amount: string): number {
  const exact = parseQuantity(amount)
  return quantityValue(exact) < MAX_MILLI ? quantityMilliValue(exact) / 1000 : quantityValue(exact)
}

function quotientOf(max: string, min: string): number {
  return numberOf(max) / numberOf(min)
}
