import { fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ControllerRevision } from '../../../shared/openapi/generated/apps-v1.ts'
import { splitApiVersion } from '../../../shared/openapi/kinds.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('apps/v1', 'ControllerRevision', {
  columns: [
    { name: 'Controller', description: 'Whose past state this is', value: controllerCell },
    { name: 'Revision', description: 'Order among the states of the controller', value: (it) => it.revision },
  ],
  *validate(it) {
    if (it.data === undefined || it.data === null) yield fieldProblem.required('data', 'data is mandatory')
    if (it.revision < 0) yield fieldProblem.invalid('revision', it.revision, 'must be greater than or equal to 0')
  },
  *validateUpdate(next, previous) {
    yield* immutableProblem('data', next.data, previous.data)
  },
})

function controllerCell({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find((each) => each.controller)
  if (!owner) return NONE
  const { group } = splitApiVersion(owner.apiVersion)
  const kind = owner.kind.toLowerCase()
  return `${group === '' ? kind : `${kind}.${group}`}/${owner.name}`
}
