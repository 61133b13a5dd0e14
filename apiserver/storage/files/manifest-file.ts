import { ByteReader } from './byte-reader.ts'
import { logRecords } from './log-file.ts'

/** Which tables there are, by number, with their sizes. */
export type LiveTables = ReadonlyMap<number, number>

/**
 * Reads LevelDB's manifest: a log of edits, each of which adds and removes tables.
 * @throws RangeError for a manifest that is not what was written
 */
export function liveTables(bytes: Buffer): LiveTables {
  const live = new Map<number, number>()
  const refuse = (what: string) => {
    throw new RangeError(what)
  }
  for (const edit of logRecords(bytes, refuse)) apply(live, new ByteReader(edit))
  return live
}

function apply(live: Map<number, number>, edit: ByteReader): void {
  while (!edit.isAtEnd) {
    const tag = edit.varint()
    if (tag === 1) edit.take(edit.varint())
    else if (tag === 2 || tag === 3 || tag === 4 || tag === 9) edit.varint()
    else if (tag === 5) {
      edit.varint()
      edit.take(edit.varint())
    } else if (tag === 6) {
      edit.varint()
      live.delete(edit.varint())
    } else if (tag === 7) {
      edit.varint()
      const number = edit.varint()
      live.set(number, edit.varint())
      edit.take(edit.varint())
      edit.take(edit.varint())
    } else throw new RangeError(`an edit says ${tag}, which means nothing`)
  }
}
