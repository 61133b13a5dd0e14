import { type FieldProblem, firstProblems } from '../../shared/errors/field-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceDefinitionNames, CustomResourceDefinitionVersion } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { ResourceHooks } from '../registry/define-resource.ts'
import { printerColumns } from './printer-columns.ts'
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
  const problems = (object: KubeObject): FieldProblem[] => firstProblems(shapeProblems(object, shape, ''))
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
    validateStatusUpdate: problems,
  }
}
