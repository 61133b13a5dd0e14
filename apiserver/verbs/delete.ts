import { hasReason } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import { sendObject } from '../http/response.ts'
import { type DeleteOptions, deleteOptions } from '../registry/delete-options.ts'
import { listOptions } from '../registry/list-options.ts'
import { selectionOf } from '../registry/selection.ts'
import { shownEntries } from '../registry/versions.ts'
import {
  answerStored,
  BODY_LIMIT,
  type Call,
  headerOf,
  isDryRun,
  namespaceOf,
  parse,
  successStatus,
  type VerbTools,
  wholeList,
  writeRequestOf,
} from './call.ts'

const OPTIONS = { apiVersion: 'v1', kind: 'DeleteOptions' }

/** 200 202 400 403 404 409 422 */
export async function deleteOne(call: Call, tools: VerbTools): Promise<void> {
  const options = await readOptions(call)
  const request = { ...writeRequestOf(call, options.dryRun), options: () => toldOptions(options) }
  const { gone, object, value } = await tools.remover.delete(request, options)
  const code = !gone && options.orphanDependents === false ? 202 : 200
  if (!gone || call.resource.definition.hooks.answersDeletedObject) return answerStored(call, code, value, tools.clock.now())
  const status = successStatus(call.resource, object.metadata.name ?? '', object.metadata.uid)
  return sendObject(call.reply, code, status, call.representation, call.warnings)
}

/** 200 400 403 410 422; what was selected, as it was. */
export async function deleteCollection(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource } = call
  const options = await readOptions(call)
  const selection = selectionOf(resource, namespaceOf(call), info)
  const page = await tools.store.list(resource, selection, { ...listOptions(info.query, false), continue: undefined })
  const items: KubeObject[] = []
  for (const { facts, value } of await shownEntries(resource, page.entries)) {
    try {
      const request = { ...writeRequestOf(call, options.dryRun), options: () => toldOptions(options) }
      await tools.remover.delete({ ...request, namespace: facts.namespace, name: facts.name }, options)
    } catch (error) {
      // Somebody else was faster; that is what was wanted.
      if (!hasReason(error, 'NotFound')) throw error
    }
    items.push(readExactJson(value.toString()) as KubeObject)
  }
  const list = wholeList(resource, call.representation, items, { resourceVersion: String(page.revision) }, tools.clock.now())
  return sendObject(call.reply, 200, list, call.representation, call.warnings)
}

/** As webhooks are told of them. */
function toldOptions({ gracePeriodSeconds, propagation, orphanDependents, uid, resourceVersion, dryRun }: DeleteOptions): object {
  return {
    ...{ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', gracePeriodSeconds, propagationPolicy: propagation, orphanDependents },
    ...(uid === undefined && resourceVersion === undefined ? {} : { preconditions: { uid, resourceVersion } }),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  }
}

async function readOptions(call: Call): Promise<DeleteOptions> {
  const bytes = await call.request.readBody(BODY_LIMIT)
  const body = bytes.length === 0 ? undefined : parse(bytes, headerOf(call.request, 'content-type'), OPTIONS).value
  if (body !== undefined) call.reply.audit?.sent(body)
  isDryRun(call.info.query)
  return deleteOptions(body, call.info.query)
}
