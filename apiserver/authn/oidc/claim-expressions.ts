import { type Environment, environmentOf } from '../../../shared/cel/environment.ts'
import { answering } from '../../../shared/cel/policy-expression.ts'
import { compile, type Program } from '../../../shared/cel/program.ts'
import { boolType, dyn, listOf, mapOf, objectType, stringType } from '../../../shared/cel/type.ts'
import { CelError, type Value, ValueList, ValueMap } from '../../../shared/cel/value.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'

type Compiled = Program | { readonly problems: string }

/** What expressions about users see; upstream's names. */
export const userInfoType = objectType('kubernetes.UserInfo', {
  ...{ username: stringType, uid: stringType, groups: listOf(stringType), extra: mapOf(stringType, listOf(stringType)) },
})

let environments: { readonly claims: Environment; readonly user: Environment } | undefined

/** Made with the first expression: most servers have none. */
function known() {
  environments ??= { claims: environmentOf({ claims: mapOf(stringType, dyn) }), user: environmentOf({ user: userInfoType }) }
  return environments
}

/** An expression about `claims`; `bool`: one that must answer yes or no. */
export function claimExpression(source: string, wanted: 'any' | 'bool' = 'any'): Compiled {
  const program = compile(source, known().claims)
  return wanted === 'any' || 'problems' in program ? program : answering(program, [boolType])
}

/** An expression about `user` that must answer yes or no. */
export function userExpression(source: string): Compiled {
  const program = compile(source, known().user)
  return 'problems' in program ? program : answering(program, [boolType])
}

/**
 * Claims as expressions see them: every number is a double, as upstream's are, whatever it looks like.
 * An error for claims that are nested too deep.
 */
export function claimsValue(claims: Readonly<Record<string, unknown>>): Value {
  return celValue(claims, 0)
}

function celValue(raw: unknown, depth: number): Value {
  if (depth > inputLimits.depth) return new CelError(`claims may not be nested deeper than ${inputLimits.depth}`)
  if (typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean') return raw
  if (Array.isArray(raw)) return new ValueList(raw.map((item) => celValue(item, depth + 1)))
  if (typeof raw !== 'object' || raw === null) return null
  return ValueMap.of(Object.entries(raw).map(([key, value]) => [key, celValue(value, depth + 1)] as const))
}
