import { ValueTooLarge, type Write } from '../storage/storage.ts'
import { type CompanionChange, type CompanionTools, companionWrites } from './companions.ts'
import { tooLarge } from './encode-object.ts'
import type { ObjectFacts } from './object-facts.ts'
import { asAnswer } from './store-unavailable.ts'

/**
 * Writes an object, and what comes and goes with it, begun in one turn: the store commits them together, or where it breaks in between, one after the
 * other. Answers the bytes of the object. @throws StorageConflict, and StatusError ServiceUnavailable, RequestEntityTooLarge, AlreadyExists (of what comes with it)
 */
export async function commitWrite(tools: CompanionTools, write: Write<ObjectFacts>, change: CompanionChange | undefined): Promise<Buffer> {
  const { storage, log } = tools
  // Most kinds have none. And nothing is written beside an object that will be refused itself.
  const holds = change?.hooks.companions !== undefined && (storage.newest(write.key)?.revision ?? 0) === write.expect
  try {
    if (!holds) return (await storage.write(write)).entry.value
    // First what comes with it: whoever hears of the object finds them. One that fails alone is repaired by its keeper.
    const others = companionWrites(change, tools).map((each) =>
      storage.write(each).catch((error: unknown) => {
        log.warn('what comes with an object was not written; its keeper repairs it', { key: each.key, error })
      }),
    )
    const [own] = await Promise.all([storage.write(write), ...others])
    return own.entry.value
  } catch (error) {
    if (error instanceof ValueTooLarge) throw tooLarge(error.bytes, error)
    throw asAnswer(error, 'the store takes no writes')
  }
}
