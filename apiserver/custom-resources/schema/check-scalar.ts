import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { type Check, typeProblem } from './check.ts'
import { fitsFormat, hasFormat } from './formats.ts'
import type { Shape } from './shape.ts'

export function checkText(value: string, shape: Shape, path: string, { found, budget }: Check): void {
  const { minLength, maxLength } = shape.bounds
  if (maxLength !== undefined && value.length > maxLength && runes(value) > maxLength) found.push(fieldProblem.tooLong(path, maxLength))
  if (minLength !== undefined && runes(value) < minLength) {
    found.push(fieldProblem.invalid(path, value, `${path} in body should be at least ${minLength} chars long`))
  }
  const { pattern, format } = shape
  if (pattern && budget.spend(1 + (value.length * pattern.source.length) / 64) && !pattern.found(value)) {
    found.push(fieldProblem.invalid(path, value, `${path} in body should match '${pattern.source}'`))
  }
  if (format && budget.spend(value.length / 16) && !hasFormat(format, value)) {
    found.push(typeProblem(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`))
  }
}

export function checkNumber(value: number | bigint, shape: Shape, path: string, { found }: Check): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = shape.bounds
  const wrong = (sentence: string) => found.push(fieldProblem.invalid(path, value, `${path} in body should be ${sentence}`))
  if (maximum !== undefined) {
    if (exclusiveMaximum ? value >= maximum : value > maximum) wrong(`less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`)
  }
  if (minimum !== undefined) {
    if (exclusiveMinimum ? value <= minimum : value < minimum) wrong(`greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`)
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) wrong(`a multiple of ${multipleOf}`)
  const { format, type } = shape
  if (format && !fitsFormat(format, value)) {
    found.push(fieldProblem.invalid(path, value, `${path} in body must be of type ${type || 'number'} with format ${format}`))
  }
}

function isMultiple(value: number | bigint, step: number): boolean {
  if (typeof value === 'bigint' && Number.isInteger(step) && step !== 0) return value % BigInt(step) === 0n
  const times = Number(value) / step
  return Math.abs(times - Math.round(times)) < 1e-9
}

/** Signs, as Go counts them. */
function runes(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
