import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import { headersFor, sendObject } from '../http/response.ts'
import { listOptions } from '../registry/list-options.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { ListPage } from '../registry/read-object.ts'
import { selectionOf } from '../registry/selection.ts'
import { shownEntries } from '../registry/versions.ts'
import { answerObject, answerScale, type Call, namespaceOf, type VerbTools, wholeList } from './call.ts'
import { getDerived, listDerived } from './derived.ts'
import { jsonPieces, listMeta, protobufPieces } from './list-pieces.ts'
import { streamList, wholeOf } from './stream-list.ts'

/** 200 404 503 504 */
export function get(call: Call, tools: VerbTools): void | Promise<void> {
  const { info, resource } = call
  const { derived } = resource.definition.hooks
  if (derived) return getDerived(call, derived, tools)
  const version = info.query.size === 0 ? null : info.query.get('resourceVersion')
  const ready = tools.store.readyFor(version)
  return ready ? ready.then(() => getStored(call, version, tools)) : getStored(call, version, tools)
}

function getStored(call: Call, version: string | null, tools: VerbTools): void | Promise<void> {
  const { info, resource } = call
  const entry = tools.store.get(resource, namespaceOf(call), info.name, version)
  if (resource.custom) return getShown(call, entry, tools)
  if (info.subresource === 'scale') {
    return answerScale(call, tools.objects.objectOf(entry), tools.clock.now())
  }
  return answerObject(call, 200, entry.value, tools.clock.now())
}

async function getShown(call: Call, entry: StoredEntry, tools: VerbTools): Promise<void> {
  const [shown] = await shownEntries(call.resource, [entry])
  const now = tools.clock.now()
  if (call.info.subresource === 'scale') return answerScale(call, readExactJson(shown!.value.toString()) as KubeObject, now)
  return answerObject(call, 200, shown!.value, now)
}

/** 200 400 410 422 503 504 */
export async function list(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource, representation } = call
  const options = listOptions(info.query, false)
  const { derived } = resource.definition.hooks
  if (derived) return listDerived(call, derived, tools)
  const selection = selectionOf(resource, namespaceOf(call), info)
  const stored = await tools.store.list(resource, selection, options)
  // Metadata is the same in every version: who lists it alone waits for no converter.
  const isShown = resource.custom && representation.shape !== 'metadata'
  const page = isShown ? { ...stored, entries: await shownEntries(resource, stored.entries) } : stored
  if (representation.format === 'yaml' || representation.pretty) return sendWholeList(call, page, tools.clock.now())
  const isProtobuf = representation.format === 'protobuf'
  const pieces = isProtobuf ? await protobufPieces(call, page, tools.store) : jsonPieces(call, page, tools.clock.now())
  const { audit } = call.reply
  if (audit?.holds('RequestResponse')) {
    const whole = wholeOf(jsonPieces(call, page, tools.clock.now()))
    if (whole) audit.answers(200, whole)
    else audit.answersAtLength()
  }
  return streamList(call.reply, pieces, headersFor(call.warnings))
}

/** YAML and pretty JSON are for people: built as a whole. */
function sendWholeList(call: Call, page: ListPage, now: number): void | Promise<void> {
  const { resource, representation, reply, warnings } = call
  const objects = page.entries.map((entry) => readExactJson(entry.value.toString()) as KubeObject)
  const body = wholeList(resource, representation, objects, listMeta(page), now)
  return sendObject(reply, 200, body, representation, warnings)
}
