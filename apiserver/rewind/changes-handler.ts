import { StatusError } from '../../shared/errors/status-error.ts'
import type { User } from '../authn/user.ts'
import { sendObject } from '../http/response.ts'
import type { PathHandler } from '../pipeline.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import type { Storage } from '../storage/storage.ts'
import { type ChangesParts, changesBetween } from './changes.ts'
import { representationOf, shownMoment } from './history-paths.ts'
import { readingPast } from './moment.ts'
import type { Past } from './rewind.ts'

const DEFAULT_LIMIT = 500
const MOST = 5_000

export interface ChangesTools extends Pick<ChangesParts, 'turns' | 'authorize'> {
  readonly storage: Storage<ObjectFacts>
  readonly aboutChange: (revision: number) => object | undefined
  /** @throws StatusError */
  readonly past: (moment: string) => Promise<Past>
}

/** `/rewind/<moment>/changes`: what changed after it, up to the moment `to` (left out: now). 200 400 410 */
export function changesHandler(from: Past, user: User, tools: ChangesTools): PathHandler {
  return async (request, info, reply) => {
    const { query } = info
    const text = (name: string) => query.get(name) || undefined
    const to = await tools.past(text('to') ?? String(tools.storage.revision))
    if (to.moment.revision < from.moment.revision) {
      const [later, earlier] = [from.moment.revision, to.moment.revision]
      throw new StatusError('BadRequest', `to: revision ${earlier} is before ${later}: put the earlier moment into the path`)
    }
    const wish = {
      from: positionOf(text('continue'), from, to),
      to: to.moment.revision,
      limit: limitOf(text('limit')),
      ...{ resource: text('resource'), namespace: text('namespace'), name: text('name') },
    }
    const parts = { ...tools, table: to.table, user }
    const { items, next } = await readingPast(`revision ${wish.from}`, tools.storage, () => changesBetween(wish, parts))
    const body = {
      kind: 'ChangeList',
      ...{ from: shownMoment(from.moment), to: shownMoment(to.moment) },
      ...(next === undefined ? {} : { continue: String(next) }),
      items: items.map((item) => ({ ...item, ...tools.aboutChange(Number(item.revision)) })),
    }
    return sendObject(reply, 200, body, representationOf(request, info))
  }
}

function positionOf(token: string | undefined, from: Past, to: Past): number {
  if (token === undefined) return from.moment.revision
  const revision = /^\d{1,16}$/.test(token) ? Number(token) : Number.NaN
  if (revision >= from.moment.revision && revision <= to.moment.revision) return revision
  throw new StatusError('BadRequest', 'continue: give what the answer before said, with the same moments')
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1) throw new StatusError('BadRequest', `limit: give a number from 1 to ${MOST}`)
  return Math.min(limit, MOST)
}
