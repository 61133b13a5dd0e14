import { notFound } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import { sendObject } from '../http/response.ts'
import { listOptions } from '../registry/list-options.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import { selectionOf } from '../registry/selection.ts'
import { answerObject, type Call, namespaceOf, type VerbTools, wholeList } from './call.ts'

type Derived = NonNullable<Call['resource']['definition']['hooks']['derived']>

/** One object of a kind that is made from another's when it is asked for. 200 404 */
export async function getDerived(call: Call, { apiVersion, kind, derive }: Derived, tools: VerbTools): Promise<void> {
  const { info, resource } = call
  const base = tools.objects.resourceOf(apiVersion, kind)
  const entry = tools.store.get(base, namespaceOf(call), info.name)
  const [object] = await derive([tools.objects.objectOf(entry)])
  if (!object) throw notFound(resource.named, info.name)
  return answerObject(call, 200, Buffer.from(writeExactJson(object)), tools.clock.now())
}

/** How many stored objects are parsed before others get their turn. */
const PARSED_AT_ONCE = 200

/** A list of them: selected by what their originals are. Pages are not made: what is answered was never stored. 200 400 */
export async function listDerived(call: Call, { apiVersion, kind, derive }: Derived, tools: VerbTools): Promise<void> {
  const { info, resource, representation, reply, warnings } = call
  const base = tools.objects.resourceOf(apiVersion, kind)
  const selection = selectionOf(resource, namespaceOf(call), info)
  const { entries } = await tools.store.list(base, selection, listOptions(new URLSearchParams(), false))
  const objects = await derive(await parsed(entries, tools))
  const body = wholeList(resource, representation, objects, {}, tools.clock.now())
  return sendObject(reply, 200, body, representation, warnings)
}

async function parsed(entries: readonly StoredEntry[], { objects }: VerbTools): Promise<KubeObject[]> {
  const found: KubeObject[] = []
  for (const [index, entry] of entries.entries()) {
    found.push(objects.objectOf(entry))
    if (index % PARSED_AT_ONCE === PARSED_AT_ONCE - 1) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return found
}
