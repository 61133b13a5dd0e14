import { StatusError } from '../../shared/errors/status-error.ts'
import { definition } from '../../shared/openapi/document.ts'
import { jsonPatch } from './json-patch.ts'
import { isObject } from './json-value.ts'
import { mergePatch } from './merge-patch.ts'
import { strategicMergePatch } from './strategic-merge-patch.ts'

/** The media types of patches served, for `Accept-Patch` and for refusals. */
export const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/**
 * What a patch makes of an object. The result is raw (to be decoded again), shares nothing with `current`, and `current` is not changed.
 * @param contentType media type of the patch, parameters allowed
 * @param definitionName official definition name of the object, for strategic merge
 * @throws StatusError BadRequest, Invalid, UnsupportedMediaType
 */
export function applyPatch(contentType: string | undefined, current: unknown, patch: unknown, definitionName: string): unknown {
  const mediaType = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
  switch (mediaType) {
    case 'application/json-patch+json':
      return jsonPatch(current, patch)
    case 'application/merge-patch+json':
      if (!isObject(patch)) throw new StatusError('BadRequest', 'error decoding patch: a merge patch is an object')
      return mergePatch(current, patch)
    case 'application/strategic-merge-patch+json': {
      const schema = definition(definitionName)
      if (!schema) throw new StatusError('UnsupportedMediaType', `strategic merge patch is not supported for ${definitionName}`)
      return strategicMergePatch(current, patch, schema)
    }
    default:
      throw new StatusError(
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: ${patchTypes.join(', ')}`,
      )
  }
}
