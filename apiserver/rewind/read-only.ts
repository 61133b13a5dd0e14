import { StatusError } from '../../shared/errors/status-error.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { Resource } from '../registry/resource-table.ts'
import { isDryRun } from '../verbs/call.ts'

const dry = new Set(['create', 'update', 'patch'])
const reads = new Set(['get', 'list', 'head'])

/**
 * Why a request cannot be made of the past, whatever there was then: it would change something, or lasts. Dry runs of writes are answered (kubectl
 * diff sends them): they say what would become of the object as it was.
 * @throws StatusError MethodNotAllowed
 */
export function refuseChanges(info: RequestInfo): void {
  const { isResource, verb, query } = info
  if (verb === 'watch') {
    throw refused(
      'the past does not change, so there is nothing to watch: list it, or ask for what changed between two moments at /rewind/<moment>/changes?to=<moment>',
    )
  }
  if (reads.has(verb) || (isResource && dry.has(verb) && isDryRun(query))) return
  throw refused(`the past is read only, ${verb} is not possible there: send the request without /rewind/<moment>`)
}

/** What was never stored has no past. @throws StatusError MethodNotAllowed */
export function refuseUnstored(info: RequestInfo, resource: Resource): void {
  const { subresource, verb } = info
  const { answer, derived } = resource.definition.hooks
  const what = subresource === '' ? resource.plural : `${resource.plural}/${subresource}`
  const how = subresource === '' ? undefined : resource.subresources.get(subresource)?.how
  if (how === 'connect') {
    throw refused(`${what} leads to what runs now, and only objects are kept of the past: send the request without /rewind/<moment>`)
  }
  if (how === 'action' || answer) {
    throw refused(`the past is read only, ${verb} of ${what} is not possible there: send the request without /rewind/<moment>`)
  }
  if (derived) throw refused(`${what} are measured when they are asked for, nothing of them is kept: ask without /rewind/<moment>`)
}

function refused(message: string): StatusError {
  return new StatusError('MethodNotAllowed', message, { details: {} })
}
