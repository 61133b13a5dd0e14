import type { Activation } from '../../../shared/cel/compiler.ts'
import type { PolicyExpression } from '../../../shared/cel/policy-expression.ts'
import type { PolicyPrograms } from '../../../shared/cel/policy-programs.ts'
import { CelError } from '../../../shared/cel/value.ts'
import type { Spending } from './evaluate.ts'

/** What a validation that does not hold says. */
export interface Failure {
  /** Which of the policy's validations; annotations count from 0 by themselves. */
  readonly index: number
  readonly message: string
  readonly reason: string
  /** It could not be evaluated: the failure policy decides. */
  readonly isError: boolean
}

const LINE_BREAK = /[\n\r]/
/** Upstream's bound of a message that an expression makes, in bytes. */
const LONGEST_MESSAGE = 5 * 1024

/** Upstream's bound of an annotation's value, in characters. */
const LONGEST_ANNOTATION = 10 * 1024

/** The validations and audit annotations that fail; `publish` is told what the annotations are. */
export function failuresOf(
  { validations, auditAnnotations }: PolicyPrograms,
  texts: readonly { readonly message?: string | undefined; readonly reason?: string | undefined }[],
  activation: Activation,
  spending: Spending,
  publish?: (key: string, value: string) => void,
): Failure[] {
  const failures: Failure[] = []
  for (const [index, validation] of validations.entries()) {
    const value = spending.evaluate(validation, activation)
    if (value === true) continue
    const { message = '', reason = 'Invalid' } = texts[index] ?? {}
    if (value !== false) {
      const why = value instanceof CelError ? value.message : 'it is not a boolean'
      failures.push({
        index,
        message: `expression '${validation.source.trim()}' resulted in error: ${why}`,
        reason: 'Invalid',
        isError: true,
      })
      continue
    }
    const own = validation.message && messageOf(validation.message, activation, spending)
    failures.push({
      index,
      message: own ?? (message.trim() || `failed expression: ${validation.source.trim()}`),
      reason: reason || 'Invalid',
      isError: false,
    })
  }
  for (const [index, annotation] of auditAnnotations.entries()) {
    const value = spending.evaluate(annotation, activation)
    const text = typeof value === 'string' ? value.trim() : ''
    if (text !== '') publish?.(annotation.key, text.slice(0, LONGEST_ANNOTATION))
    if (!(value instanceof CelError)) continue
    failures.push({
      index,
      message: `expression '${annotation.source.trim()}' resulted in error: ${value.message}`,
      reason: 'Invalid',
      isError: true,
    })
  }
  return failures
}

/** What a message expression says; undefined where that cannot be shown, and the message stands in for it. */
function messageOf(expression: PolicyExpression, activation: Activation, spending: Spending): string | undefined {
  const value = spending.evaluate(expression, activation)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' || Buffer.byteLength(text) > LONGEST_MESSAGE || LINE_BREAK.test(text) ? undefined : text
}
