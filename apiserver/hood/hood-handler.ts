import type { Clock } from '../../shared/time/clock.ts'
import { isTrue } from '../http/request-info.ts'
import { sendObject } from '../http/response.ts'
import type { Asked } from '../pipeline.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import { storageKey } from '../registry/read-object.ts'
import type { Resource } from '../registry/resource-table.ts'
import type { ScanTurns } from '../registry/scan-turns.ts'
import { type ChangesParts, mayGet, type ToldChange, tell } from '../rewind/changes.ts'
import { representationOf, shownMoment } from '../rewind/history-paths.ts'
import type { Storage } from '../storage/storage.ts'
import { chainOf } from './chain.ts'
import type { Deed, Deeds } from './deeds.ts'
import { followDeeds } from './follow-deeds.ts'
import { saidCause } from './said-cause.ts'

export interface HoodTools extends Pick<ChangesParts, 'authorize' | 'table'> {
  readonly deeds: Deeds
  readonly storage: Storage<ObjectFacts>
  readonly turns: ScanTurns
  readonly clock: Clock
}

/** `/hood/<path of an object>`: how it came to be as it is; with `follow=true` also how it goes on, a line each. 200 400 429; empty where nothing is known any more. */
export function hoodHandler(tools: HoodTools): (resource: Resource, asked: Asked) => Promise<void> {
  return async (resource, { info, request, reply, user }) => {
    const key = storageKey(resource, resource.namespaced ? info.namespace : '', info.name)
    const show = async (deed: Deed) => (mayGet(deed.key, { ...tools, user }) ? told(deed, await changeOf(deed, tools)) : undefined)
    if (isTrue(info.query.get('follow'))) return followDeeds({ key, show, reply, query: info.query, ...tools })
    const { chain, isCut } = chainOf(key, tools.deeds)
    const items: object[] = []
    await tools.turns.next()
    for (const deed of chain) {
      const item = await show(deed)
      if (item) items.push(item)
      if (tools.turns.isOver) await tools.turns.next()
    }
    const newest = shownMoment({ revision: tools.storage.revision, time: undefined })
    return sendObject(reply, 200, { kind: 'DeedList', ...newest, ...(isCut ? { isCut } : {}), items }, representationOf(request, info))
  }
}

/** Undefined where the log has forgotten it. */
async function changeOf({ revision }: Deed, { storage }: HoodTools): Promise<ToldChange | undefined> {
  if (revision <= storage.compacted) return undefined
  for await (const change of storage.changes(revision - 1, revision)) return tell(change)
  return undefined
}

function told(deed: Deed, change: ToldChange | undefined): object {
  const { revision, key, time } = deed
  return { ...(change ?? { revision: String(revision), time: new Date(time).toISOString(), key }), ...aboutDeed(deed) }
}

/** What is told of a deed besides what changed. */
export function aboutDeed({ verb, user, manager, allowedBy, said, told: watches }: Deed): object {
  const cause = saidCause(said)
  const { by, revision, why } = cause ?? {}
  return {
    request: { verb, user, ...(manager ? { manager } : {}), ...(allowedBy ? { allowedBy } : {}) },
    ...(cause ? { cause: { by, revision: revision === undefined ? undefined : String(revision), why } } : {}),
    ...(watches ? { told: { watches: watches.watches, users: watches.users, afterMilliseconds: watches.after } } : {}),
  }
}
