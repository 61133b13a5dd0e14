import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import type { User } from '../authn/user.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import type { ResourceTable } from '../registry/resource-table.ts'
import type { ScanTurns } from '../registry/scan-turns.ts'
import { UnreadableValue } from '../storage/encryption/unreadable-value.ts'
import { parseKey, prefixOf, resourcePrefix } from '../storage/keys.ts'
import type { Change, Entry, Storage } from '../storage/storage.ts'
import { type ChangedBy, changedBy } from './changed-by.ts'
import { type FieldChange, fieldChanges } from './field-changes.ts'

/** Which changes are asked for; undefined: any. */
export interface ChangesWish {
  /** Exclusive. */
  readonly from: number
  /** Inclusive. */
  readonly to: number
  /** `pods`, `deployments.apps`. */
  readonly resource: string | undefined
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly limit: number
}

/** One change of one object, as it is answered. */
export interface ToldChange {
  readonly revision: string
  readonly time: string
  readonly type: 'created' | 'changed' | 'deleted'
  readonly group: string
  readonly resource: string
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
  readonly by?: ChangedBy
  readonly fields?: readonly FieldChange[]
}

export interface ChangesParts {
  readonly storage: Pick<Storage<ObjectFacts>, 'changes'>
  readonly turns: ScanTurns
  readonly authorize: ResourceServices['authorize']
  /** The kinds of the end of the span. */
  readonly table: Pick<ResourceTable, 'ofPrefix'>
  readonly user: User
}

/** Changes looked at for one answer, and bytes of it as far as they are counted; a longer one goes on from `next`. */
const MOST_READ = 20_000
const MOST_BYTES = 4 * 2 ** 20

/**
 * What changed, in order, of what the user may get now. `next`: the revision after which to go on, where there may be more.
 * @throws RevisionCompacted, RevisionAhead, StatusError BadRequest
 */
export async function changesBetween(wish: ChangesWish, parts: ChangesParts): Promise<{ items: ToldChange[]; next: number | undefined }> {
  const { storage, turns } = parts
  const prefix = prefixOfWish(wish)
  const items: ToldChange[] = []
  let [looked, bytes] = [0, 0]
  await turns.next()
  for await (const change of storage.changes(wish.from, wish.to)) {
    const isWanted = change.key.startsWith(prefix) && isMeant(change.key, wish) && mayGet(change.key, parts)
    if (isWanted) {
      const told = tell(change)
      items.push(told)
      bytes += writeExactJson(told).length
    }
    looked++
    const isFull = items.length >= wish.limit || bytes >= MOST_BYTES || looked >= MOST_READ
    if (isFull && change.revision < wish.to) return { items, next: change.revision }
    if (turns.isOver) await turns.next()
  }
  return { items, next: undefined }
}

function prefixOfWish({ resource, namespace }: ChangesWish): string {
  if (resource === undefined) return ''
  const dot = resource.indexOf('.')
  const [plural, group] = dot < 0 ? [resource, ''] : [resource.slice(0, dot), resource.slice(dot + 1)]
  try {
    return prefixOf(group, plural, namespace)
  } catch (cause) {
    throw new StatusError('BadRequest', 'resource is the plural of a kind, with its group: pods, deployments.apps; namespace a name', {
      cause,
    })
  }
}

function isMeant(key: string, { namespace, name }: ChangesWish): boolean {
  if (namespace === undefined && name === undefined) return true
  const place = parseKey(key)
  return (namespace === undefined || place.namespace === namespace) && (name === undefined || place.name === name)
}

/** Whether they may get the object of that key now. */
export function mayGet(key: string, { authorize, table, user }: Pick<ChangesParts, 'authorize' | 'table' | 'user'>): boolean {
  const { group, resource, namespace = '', name } = parseKey(key)
  const version = table.ofPrefix(resourcePrefix(key))?.version ?? ''
  return authorize({ user, verb: 'get', group, version, resource, subresource: '', namespace, name }).decision === 'allow'
}

const types = { put: 'changed', delete: 'deleted' } as const

/** A change as it is answered. */
export function tell({ type, key, revision, time, entry, previous }: Change<ObjectFacts>): ToldChange {
  const { group, resource, namespace, name } = parseKey(key)
  const [before, after] = [previous && objectOf(previous), objectOf(entry)]
  const isUpdate = type === 'put' && previous !== undefined
  const by = type === 'put' && after && (previous === undefined || before) ? changedBy(before, after) : undefined
  return {
    ...{ revision: String(revision), time: new Date(time).toISOString() },
    type: type === 'put' && previous === undefined ? 'created' : types[type],
    ...{ group, resource, ...(namespace === undefined ? {} : { namespace }), name },
    ...(after?.metadata.uid ? { uid: after.metadata.uid } : {}),
    ...(by ? { by } : {}),
    ...(isUpdate && before && after ? { fields: fieldChanges(before, after) } : {}),
  }
}

/** Undefined for a value that does not open: that it changed is known all the same. */
function objectOf(entry: Entry<ObjectFacts>): KubeObject | undefined {
  try {
    return readExactJson(entry.value.toString()) as KubeObject
  } catch (error) {
    if (error instanceof UnreadableValue) return undefined
    throw error
  }
}
