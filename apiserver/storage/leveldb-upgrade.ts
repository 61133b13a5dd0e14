import type { Logger } from '../../shared/logging/logger.ts'
import { damaged } from './damage.ts'
import type { Database, Operation } from './leveldb-database.ts'
import * as format from './leveldb-format.ts'
import { meta, totalsRecord } from './leveldb-meta.ts'

const STEP = 500

/**
 * Format 1 had no checksums: its present lay under `p/`, its log under `c/`. The present gets its checks; the log is forgotten, so that watches
 * begin anew. Each step may be repeated: the format is written last, and the old records go after it.
 */
export async function upgradeStore(database: Database, { directory, logger }: { directory: string; logger: Logger }): Promise<void> {
  logger.info('upgrading the store to a format with checksums', { directory, format: format.FORMAT })
  let totals = format.NO_TOTALS
  const kept = new Set<string>()
  let operations: Operation[] = []
  const flush = async () => {
    await database.batch<string, Buffer | string>(operations, { sync: true })
    operations = []
  }
  for await (const [record, text] of database.iterator<string, string>({ ...format.spaceOf('p'), valueEncoding: 'utf8' })) {
    const key = record.slice(2)
    const [revision = 0, createRevision = 0] = text.split(' ').map(Number)
    const value: Buffer | undefined = await database.get(format.valueKey(revision))
    if (value === undefined) throw damaged(directory, `${key} has no value at revision ${revision}`)
    const check = format.checkOf(key, revision, value)
    totals = format.totalsAfter(totals, check, undefined)
    kept.add(format.valueKey(revision))
    const place = format.encodePlace({ key, revision, createRevision, check })
    operations.push({ type: 'put', key: format.presentKey(key), value: place, valueEncoding: 'utf8' })
    if (operations.length >= STEP) await flush()
  }
  const end = await endOfLog(database)
  operations.push(meta(format.META.compacted, end.revision), meta(format.META.swept, end.revision), totalsRecord({ ...end, ...totals }))
  operations.push({ type: 'del', key: format.META.session })
  operations.push({ type: 'put', key: format.META.format, value: String(format.FORMAT), valueEncoding: 'utf8' })
  await flush()
  await database.clear(format.spaceOf('p'))
  await database.clear(format.spaceOf('c'))
  for await (const key of database.keys(format.spaceOf('v'))) if (!kept.has(key)) await database.del(key)
}

async function endOfLog(database: Database): Promise<{ revision: number; bytes: number }> {
  const newest = { ...format.spaceOf('c'), reverse: true, limit: 1, valueEncoding: 'utf8' }
  for await (const [record, text] of database.iterator<string, string>(newest)) {
    const parts: unknown = JSON.parse(text)
    return { revision: Number(record.slice(2)), bytes: Number(Array.isArray(parts) ? parts[5] : 0) }
  }
  const compacted = await database.get<string, string>(format.META.compacted, { valueEncoding: 'utf8' })
  return { revision: Number(compacted ?? 0), bytes: 0 }
}
