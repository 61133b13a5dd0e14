import { type FieldProblem, firstProblems } from '../../shared/errors/field-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceDefinitionNames, CustomResourceDefinitionVersion } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { ResourceHooks } from '../registry/define-resource.ts'
import { printerColumns } from './printer-columns.ts'
import { type Occasion, ruleProblems } from './rules/check-rules.ts'
import { ruleTree } from './rules/rule-tree.ts'
import { scaleHooks } from './scale-paths.ts'
import { shapeProblems } from './schema/check-value.ts'
import { fillIn } from './schema/fill-in.ts'
import { fieldName, textAt } from './selectable-fields.ts'
import type { VersionForm } from './version-form.ts'

export interface HookParts {
  readonly names: CustomResourceDefinitionNames
  readonly version: CustomResourceDefinitionVersion
  readonly form: VersionForm
}

/** What is particular to the kind of a definition, in one of its versions. */
export function customHooks({ names, version, form: { shape } }: HookParts): ResourceHooks<KubeObject> {
  const { subresources, selectableFields = [] } = version
  const fields = selectableFields.map(({ jsonPath }) => [fieldName(jsonPath), textAt(jsonPath)] as const)
  const rules = ruleTree(shape)
  const asked = (occasion: Occasion, object: KubeObject, previous?: KubeObject) =>
    rules ? ruleProblems(rules, occasion, object, previous) : []
  const shapely = (object: KubeObject): FieldProblem[] => firstProblems(shapeProblems(object, shape, ''))
  // A rule may rely on the types that its schema says: it is asked when all else is right.
  const problems = function* (object: KubeObject): Generator<FieldProblem> {
    const found = shapely(object)
    yield* found.length > 0 ? found : asked('any', object)
  }
  const changed = function* (next: KubeObject, previous: KubeObject): Generator<FieldProblem> {
    if (rules && shapely(next).length === 0) yield* asked('change', next, previous)
  }
  return {
    shortNames: names.shortNames?.length ? names.shortNames : undefined,
    categories: names.categories?.length ? names.categories : undefined,
    columns: printerColumns(version.additionalPrinterColumns),
    selectableFields: Object.fromEntries(fields),
    generation: true,
    requiresResourceVersion: true,
    scale: subresources?.scale && scaleHooks(subresources.scale),
    applyDefaults: (object) => fillIn(object, shape),
    prepareForCreate(object) {
      if (subresources?.status) Reflect.deleteProperty(object, 'status')
    },
    validate: problems,
    validateCreate: (object) => (rules && shapely(object).length === 0 ? asked('create', object) : []),
    validateUpdate: changed,
    *validateStatusUpdate(next, previous) {
      yield* problems(next)
      yield* changed(next, previous)
    },
  }
}
