import { StatusError } from '../../../shared/errors/status-error.ts'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import type { Eviction } from '../../../shared/openapi/generated/policy-v1.ts'
import type { SubresourceAction } from '../../registry/define-resource.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { success } from '../success-status.ts'

/** `pods/eviction`: a delete that may be refused. Disruption budgets will refuse here. */
export const evictionAction: SubresourceAction<Pod> = {
  kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
  async run(call) {
    const eviction = decodeObject('policy/v1', 'Eviction', call.body, { fieldValidation: 'Ignore' }) as Eviction
    const { name } = eviction.metadata
    if (name && name !== call.parent.metadata.name) {
      throw new StatusError('BadRequest', `name in URL does not match name in Eviction object: ${call.parent.metadata.name} != ${name}`)
    }
    const { gracePeriodSeconds, preconditions } = eviction.deleteOptions ?? {}
    await call.remove({ gracePeriodSeconds, preconditions: preconditions?.uid ? { uid: preconditions.uid } : undefined })
    return success(201)
  },
}
