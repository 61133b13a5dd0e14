import { StatusError } from '../../shared/errors/status-error.ts'
import { messageReply } from '../http/message-reply.ts'
import { UpgradeReply } from '../http/upgrade.ts'
import { listOptions } from '../registry/list-options.ts'
import { selectionOf } from '../registry/selection.ts'
import { type Call, namespaceOf, type VerbTools } from './call.ts'

/** Without timeoutSeconds a watch lasts between this and twice this, so that clients do not all come back at once. */
const SHORTEST_WATCH = 30 * 60 * 1000

/** 200 (a 410 travels inside the stream) 400 422 */
export async function watch(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource, representation } = call
  const options = listOptions(info.query, true)
  const selection = selectionOf(resource, namespaceOf(call), info)
  // Messages of a WebSocket are lines here.
  const isSpoken = representation.format === 'protobuf' ? !(call.reply instanceof UpgradeReply) : representation.format === 'json'
  if (!isSpoken) {
    const types = 'application/json;stream=watch, application/json, application/vnd.kubernetes.protobuf;stream=watch'
    throw new StatusError('NotAcceptable', `only the following media types are accepted: ${types}`, { details: {} })
  }
  const version = options.resourceVersion ?? 0
  const wantsState = options.sendInitialEvents ?? version === 0
  const endMark = options.sendInitialEvents === true && options.allowBookmarks
  const start = wantsState
    ? ({ state: true, endMark } as const)
    : ({ from: version === 0 ? tools.store.storage.revision : version } as const)
  if (wantsState) await tools.store.ready(options.resourceVersion)
  const { timeoutSeconds } = options
  const timeoutMilliseconds = timeoutSeconds ? timeoutSeconds * 1000 : SHORTEST_WATCH * (1 + tools.random.fraction())
  const reply = call.reply instanceof UpgradeReply ? await messageReply(call, 'lines') : call.reply
  const { allowBookmarks } = options
  const wish = { resource, selection, representation, allowBookmarks, start, timeoutMilliseconds, owner: call.user.name }
  await tools.hub.open(wish, reply)
}
