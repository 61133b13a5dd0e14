import { StatusError } from '../../shared/errors/status-error.ts'
import { StorageUnavailable, type Write } from '../storage/storage.ts'
import { type CompanionChange, type CompanionTools, companionWrites } from './companions.ts'
import type { ObjectFacts } from './object-facts.ts'

/**
 * Writes an object, and what comes and goes with it, begun in one turn: the store commits them together, or where it breaks in between, one after the
 * other. Answers the bytes of the object. @throws StorageConflict, and StatusError ServiceUnavailable, AlreadyExists (of what comes with it)
 */
export async function commitWrite(tools: CompanionTools, write: Write<ObjectFacts>, change: CompanionChange | undefined): Promise<Buffer> {
  const { storage } = tools
  // What comes with an object is not written where the object itself will be refused.
  const holds = change !== undefined && (storage.newest(write.key)?.revision ?? 0) === write.expect
  const beside = holds ? companionWrites(change, tools) : []
  try {
    // First what comes with it: whoever hears of the object finds them. One that fails alone is repaired by its keeper.
    const others = beside.map((each) => storage.write(each).catch(() => undefined))
    const [own] = await Promise.all([storage.write(write), ...others])
    return own.entry.value
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) throw error
    throw new StatusError('ServiceUnavailable', `the store takes no writes: ${error.message}`, {
      cause: error,
      details: { retryAfterSeconds: 1 },
    })
  }
}
