import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { JSONSchemaProps } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { compileRule } from '../rules/compile-rule.ts'
import { typeOfPlace } from '../rules/rule-tree.ts'
import { shapeOf } from '../schema/shape.ts'

/** Rules of one schema: each is compiled, and asked of every object. */
const RULES = 1_000

/** What is wrong with the rules of a schema that is otherwise right. */
export function* ruleProblems(schema: JSONSchemaProps, path: string): Generator<FieldProblem> {
  let count = 0
  for (const { place, at, isCorrelated } of ruledPlaces(schema, path, true)) {
    const rules = place['x-kubernetes-validations'] ?? []
    count += rules.length
    if (count > RULES) return yield fieldProblem.forbidden(path, `a schema may have ${RULES} rules`)
    const type = typeOfPlace(shapeOf(place), at === path)
    for (const [index, rule] of rules.entries()) {
      const where = `${at}.x-kubernetes-validations[${index}]`
      if (rule.rule.trim() === '') {
        yield fieldProblem.required(`${where}.rule`, 'rule is not specified')
        continue
      }
      if (rule.message !== undefined && rule.message.trim() === '' && rule.message !== '') {
        yield fieldProblem.invalid(`${where}.message`, rule.message, 'message must be non-empty if specified')
      }
      if (rule.rule.includes('\n') && !rule.message && !rule.messageExpression) {
        yield fieldProblem.required(`${where}.message`, 'message must be specified if rule contains line breaks')
      }
      const compiled = compileRule(rule, type)
      if ('part' in compiled) yield fieldProblem.invalid(`${where}.${compiled.part}`, rule[compiled.part], compiled.why)
      else if (compiled.time !== 'always' && !isCorrelated) {
        yield fieldProblem.invalid(
          `${where}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}`,
        )
      }
    }
  }
}

interface RuledPlace {
  readonly place: JSONSchemaProps
  readonly at: string
  /** Whether it can be said which old value a value here was. */
  readonly isCorrelated: boolean
}

function* ruledPlaces(place: JSONSchemaProps, at: string, isCorrelated: boolean): Generator<RuledPlace> {
  if (place['x-kubernetes-validations']?.length) yield { place, at, isCorrelated }
  for (const [name, each] of Object.entries(place.properties ?? {})) yield* ruledPlaces(each, `${at}.properties[${name}]`, isCorrelated)
  const { items, additionalProperties } = place
  if (typeof additionalProperties === 'object') yield* ruledPlaces(additionalProperties, `${at}.additionalProperties`, isCorrelated)
  const isMap = place['x-kubernetes-list-type'] === 'map'
  if (items && !Array.isArray(items)) yield* ruledPlaces(items, `${at}.items`, isCorrelated && isMap)
}
