import { typeOfSchema } from '../../../shared/cel/schema-types.ts'
import type { CelType } from '../../../shared/cel/type.ts'
import { resourceNode, schemaNode } from '../schema/schema-node.ts'
import type { Shape } from '../schema/shape.ts'
import { type CompiledRule, compileRule } from './compile-rule.ts'

/** The rules of a schema by place; places without rules at or below them are left out. */
export interface RuleTree {
  readonly shape: Shape
  readonly type: CelType
  readonly rules: readonly CompiledRule[]
  /** Rules that were stored before anybody could read them, or that are for another release: they refuse everything. */
  readonly unreadable: readonly string[]
  readonly properties: ReadonlyMap<string, RuleTree>
  readonly values: RuleTree | undefined
  readonly items: RuleTree | undefined
}

/** The rules of a whole resource; undefined where it has none. */
export function ruleTree(shape: Shape): RuleTree | undefined {
  return treeOf(shape, () => typeOfSchema(resourceNode(shape), 'self', 'typed'))
}

/** The type of a place, as its rules see it. */
export function typeOfPlace(shape: Shape, isRoot: boolean): CelType {
  return typeOfSchema(isRoot ? resourceNode(shape) : schemaNode(shape), 'self', 'typed')
}

function treeOf(shape: Shape, typeOf = () => typeOfPlace(shape, false)): RuleTree | undefined {
  const properties = new Map<string, RuleTree>()
  for (const [name, each] of shape.properties) {
    const own = treeOf(each)
    if (own) properties.set(name, own)
  }
  const values = typeof shape.values === 'object' ? treeOf(shape.values) : undefined
  const items = shape.items && treeOf(shape.items)
  if (shape.rules.length === 0 && properties.size === 0 && !values && !items) return undefined
  const type = typeOf()
  const compiled = shape.rules.map((rule) => compileRule(rule, type))
  return {
    ...{ shape, type, properties, values, items },
    rules: compiled.filter((each) => 'program' in each),
    unreadable: compiled.flatMap((each) => ('part' in each ? [each.why] : [])),
  }
}
