import { compareTexts, type Owner, timeOf } from './owner.ts'

/** How many owners by updates an object has at most (apimachinery's DefaultMaxUpdateManagers). */
const MOST_UPDATERS = 10
const BUCKET = 'ancient-changes'

/** Puts the oldest owners by updates together, one bucket a version, until there are few enough. Owners by apply are never forgotten. */
export function capUpdates(owners: readonly Owner[]): readonly Owner[] {
  const updaters = owners.filter(({ operation }) => operation === 'Update')
  let count = updaters.length
  if (count <= MOST_UPDATERS) return owners
  const times = new Map(updaters.map((owner) => [owner, timeOf(owner)]))
  const earlier = (a: Owner, b: Owner) => times.get(a)! - times.get(b)!
  updaters.sort((a, b) => earlier(a, b) || compareTexts(a.manager, b.manager) || compareTexts(a.subresource, b.subresource))
  const kept = new Set(owners)
  const firsts = new Map<string, Owner>()
  const buckets = new Map(updaters.filter(isBucket).map((bucket) => [bucket.apiVersion, bucket]))
  for (const owner of updaters) {
    if (count <= MOST_UPDATERS) break
    const { apiVersion } = owner
    if (isBucket(owner)) continue
    const older = buckets.get(apiVersion) ?? firsts.get(apiVersion)
    if (!older) {
      firsts.set(apiVersion, owner)
      continue
    }
    const bucket: Owner = {
      ...{ manager: BUCKET, operation: 'Update', apiVersion, subresource: '' },
      ...{ time: owner.time, fields: older.fields.union(owner.fields) },
    }
    kept.delete(older)
    kept.delete(owner)
    kept.add(bucket)
    buckets.set(apiVersion, bucket)
    count--
  }
  return [...kept]
}

function isBucket({ manager, subresource }: Owner): boolean {
  return manager === BUCKET && subresource === ''
}
