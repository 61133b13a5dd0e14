import { negotiate } from '../http/content-type.ts'
import type { ApiRequest } from '../http/exchange.ts'
import { methodNotAllowed, type RequestInfo } from '../http/request-info.ts'
import { sendObject } from '../http/response.ts'
import type { PathHandler } from '../pipeline.ts'
import type { Storage } from '../storage/storage.ts'
import type { Moment } from './moment.ts'

/** What is kept: the oldest and the newest moment that can be asked for. */
export function historyHandler(storage: Pick<Storage, 'revision' | 'compacted' | 'mark' | 'oldestMark'>): PathHandler {
  return async (request, info, reply) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed()
    const { revision } = storage
    const [oldest, newest] = [await storage.oldestMark(), await storage.mark(revision)]
    const body = {
      kind: 'History',
      oldest: shownMoment({ revision: oldest?.revision ?? revision, time: oldest?.time }),
      newest: shownMoment({ revision, time: newest?.time }),
    }
    return sendObject(reply, 200, body, representationOf(request, info))
  }
}

/** Which revision a moment is. */
export function momentHandler(moment: Moment): PathHandler {
  return (request, info, reply) => sendObject(reply, 200, { kind: 'Moment', ...shownMoment(moment) }, representationOf(request, info))
}

/** As all answers about history say it: the revision as a text, as resourceVersions are; the time with milliseconds. */
export function shownMoment({ revision, time }: { readonly revision: number; readonly time: number | undefined }): object {
  return { revision: String(revision), ...(time === undefined ? {} : { time: new Date(time).toISOString() }) }
}

export function representationOf(request: ApiRequest, info: RequestInfo) {
  const { accept, 'user-agent': userAgent } = request.headers
  const text = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(', ') : value)
  return negotiate({ accept: text(accept), userAgent: text(userAgent), pretty: info.query.get('pretty'), includeObject: null })
}
