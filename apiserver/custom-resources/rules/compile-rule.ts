import { environmentOf } from '../../../shared/cel/environment.ts'
import { compile, type Program } from '../../../shared/cel/program.ts'
import { boolType, type CelType, optionalOf, stringType, typeName } from '../../../shared/cel/type.ts'
import type { ValidationRule } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { fieldNames, parseJsonPath } from '../json-path.ts'

/** When a rule is asked: always; only of a change, because it speaks of what was; or of both, because it can do without. */
export type RuleTime = 'always' | 'change' | 'either'

/** A rule of a schema (`x-kubernetes-validations`), ready to be asked. */
export interface CompiledRule {
  readonly source: ValidationRule
  readonly time: RuleTime
  readonly program: Program
  readonly message: Program | undefined
  /** Below the place of the rule; empty: the place itself. */
  readonly field: string
}

/** What is wrong with a rule: which part of it, and why. */
export interface RuleProblem {
  readonly part: 'rule' | 'messageExpression' | 'fieldPath' | 'optionalOldSelf'
  readonly why: string
}

/** The rule for a place of this type, or what is wrong with it. */
export function compileRule(source: ValidationRule, self: CelType): CompiledRule | RuleProblem {
  const isOptional = source.optionalOldSelf ?? false
  const plain = environmentOf({ self })
  const both = environmentOf({ self, oldSelf: isOptional ? optionalOf(self) : self })
  const alone = compile(source.rule, plain)
  const program = 'problems' in alone ? compile(source.rule, both) : alone
  if ('problems' in program) return { part: 'rule', why: program.problems }
  if (!isType(program.type, boolType)) return { part: 'rule', why: 'cel expression must evaluate to a bool' }
  const speaksOfOld = program !== alone
  if (isOptional && !speaksOfOld) return { part: 'optionalOldSelf', why: 'may not be set if oldSelf is not used in rule' }
  const message = messageOf(source, speaksOfOld ? both : plain)
  if (message && 'part' in message) return message
  const field = source.fieldPath ? fieldOf(source.fieldPath) : ''
  if (field === undefined) return { part: 'fieldPath', why: 'must be a path of field names, such as .spec.replicas' }
  return { source, time: speaksOfOld ? (isOptional ? 'either' : 'change') : 'always', program, message, field }
}

function messageOf(
  { messageExpression }: ValidationRule,
  environment: ReturnType<typeof environmentOf>,
): Program | RuleProblem | undefined {
  if (!messageExpression) return undefined
  const program = compile(messageExpression, environment)
  if ('problems' in program) return { part: 'messageExpression', why: program.problems }
  if (!isType(program.type, stringType)) return { part: 'messageExpression', why: 'cel expression must evaluate to a string' }
  return program
}

function isType(type: CelType, wanted: CelType): boolean {
  return typeName(type) === typeName(wanted) || typeName(type) === 'dyn'
}

function fieldOf(text: string): string | undefined {
  try {
    return fieldNames(parseJsonPath(text))?.join('.')
  } catch {
    return undefined
  }
}
