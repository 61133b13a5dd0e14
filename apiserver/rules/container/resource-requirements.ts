import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { own } from '../../../shared/objects/own.ts'
import type { ResourceRequirements } from '../../../shared/openapi/generated/core-v1.ts'
import { compareQuantities, formatQuantity, parseQuantity } from '../../../shared/quantity/quantity.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'

type Amounts = Readonly<Record<string, string>>

const standard: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])
const isHugePages = (name: string) => name.startsWith('hugepages-')
/** Resources whose unit cannot be split and that are never promised twice. */
const isExtended = (name: string) => name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name)

/** Names well formed, amounts not negative. */
export function* resourceListProblems(amounts: Amounts, path: string): Generator<FieldProblem> {
  for (const [name, amount] of Object.entries(amounts)) {
    for (const problem of labelKeyProblems(name)) yield fieldProblem.invalid(`${path}.${name}`, name, problem)
    if (parseQuantity(amount).nano < 0n) yield fieldProblem.invalid(`${path}.${name}`, amount, 'must be greater than or equal to 0')
  }
}

/** What a container asks for and may use: known resources, whole units where units are whole, requests within limits. */
export function* requirementsProblems(requirements: ResourceRequirements, path: string): Generator<FieldProblem> {
  const { limits = {}, requests = {} } = requirements
  for (const [name, amount] of Object.entries(limits)) yield* containerResourceProblems(name, amount, `${path}.limits`)
  for (const [name, amount] of Object.entries(requests)) {
    yield* containerResourceProblems(name, amount, `${path}.requests`)
    const limit = own(limits, name)
    if (limit === undefined) {
      if (isExtended(name) || isHugePages(name)) {
        yield fieldProblem.required(`${path}.limits`, 'Limit must be set for non overcommitable resources')
      }
      continue
    }
    const order = compareQuantities(parseQuantity(amount), parseQuantity(limit))
    if (order === 0) continue
    const shown = formatQuantity(parseQuantity(limit))
    if (isExtended(name) || isHugePages(name)) {
      yield fieldProblem.invalid(`${path}.requests`, amount, `must be equal to ${name} limit of ${shown}`)
    } else if (order > 0) {
      yield fieldProblem.invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${shown}`)
    }
  }
}

function* containerResourceProblems(name: string, amount: string, path: string): Generator<FieldProblem> {
  const problems = labelKeyProblems(name)
  for (const problem of problems) yield fieldProblem.invalid(path, name, problem)
  if (problems.length === 0 && !name.includes('/') && !standard.has(name) && !isHugePages(name)) {
    yield fieldProblem.invalid(path, name, 'must be a standard resource type or fully qualified')
    yield fieldProblem.invalid(path, name, 'must be a standard resource for containers')
  }
  const { nano } = parseQuantity(amount)
  if (nano < 0n) yield fieldProblem.invalid(`${path}[${name}]`, amount, 'must be greater than or equal to 0')
  if (isExtended(name) && nano % 1_000_000_000n !== 0n) yield fieldProblem.invalid(`${path}[${name}]`, amount, 'must be an integer')
}
