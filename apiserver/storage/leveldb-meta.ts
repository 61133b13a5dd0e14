import type { Database, Operation } from './leveldb-database.ts'
import { DamagedRecord, META, type Session, seal, type Totals, unseal } from './leveldb-format.ts'

/** A fact about the store, as an operation. */
export function meta(record: string, value: unknown): Operation {
  return { type: 'put', key: record, value: seal(record, JSON.stringify(value)), valueEncoding: 'utf8' }
}

/** What the log came to when it was last forgotten: the newest header says it too, as long as there is one. */
export interface LogTotals extends Totals {
  readonly revision: number
  readonly bytes: number
}

/** The facts about the store; undefined for those that were never written. */
export interface StoreFacts {
  readonly session: Session | undefined
  readonly compacted: number
  readonly swept: number
  readonly totals: LogTotals | undefined
}

/** @throws DamagedRecord */
export async function readFacts(database: Database): Promise<StoreFacts> {
  const session = await read(database, META.session)
  const totals = await read(database, META.totals)
  return {
    session: session === undefined ? undefined : sessionOf(session),
    compacted: Number((await read(database, META.compacted)) ?? 0),
    swept: Number((await read(database, META.swept)) ?? 0),
    totals: totals === undefined ? undefined : totalsOf(totals),
  }
}

async function read(database: Database, record: string): Promise<unknown> {
  const sealed = await database.get<string, string>(record, { valueEncoding: 'utf8' })
  return sealed === undefined ? undefined : JSON.parse(unseal(record, sealed))
}

function sessionOf(value: unknown): Session {
  if (typeof value !== 'object' || value === null || !('boot' in value) || !('closed' in value)) throw new DamagedRecord(META.session)
  return { boot: String(value.boot), closed: value.closed === true }
}

function totalsOf(value: unknown): LogTotals {
  const numbers = Array.isArray(value) ? value : []
  if (numbers.length !== 4 || !numbers.every(Number.isSafeInteger)) throw new DamagedRecord(META.totals)
  const [revision, bytes, live, sum] = numbers
  return { revision, bytes, live, sum }
}

export function totalsRecord({ revision, bytes, live, sum }: LogTotals): Operation {
  return meta(META.totals, [revision, bytes, live, sum])
}
