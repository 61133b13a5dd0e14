import type { StatusError } from '../../shared/errors/status-error.ts'
import { forbidden } from '../authz/forbidden.ts'
import type { AdmissionRequest } from './admission.ts'

/** The refusal of an admission rule: `pods "x" is forbidden: <why>`. */
export function refusal(request: AdmissionRequest, why: string): StatusError {
  const { group, resource, object, name } = request
  return forbidden({ group, resource, name: name || object?.metadata.name || object?.metadata.generateName || '' }, why)
}
