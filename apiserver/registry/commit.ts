import { hasReason } from '../../shared/errors/status-error.ts'
import { ClaimsTaken } from '../storage/claims.ts'
import { type Change, StorageConflict, StorageUnavailable, ValueTooLarge, type Write } from '../storage/storage.ts'
import { type CompanionChange, type CompanionTools, type CompanionWrites, companionWrites } from './companions.ts'
import { tooLarge } from './encode-object.ts'
import type { ObjectFacts } from './object-facts.ts'
import { asAnswer } from './store-unavailable.ts'
import type { WriterTools } from './write-object.ts'
import type { WriteRequest } from './write-request.ts'

/**
 * Writes an object, and what comes and goes with it. Answers the bytes of the object.
 * @throws StorageConflict, ClaimsTaken, TooManyClaims, and StatusError ServiceUnavailable, RequestEntityTooLarge, AlreadyExists (of what comes with it)
 */
export async function commitWrite(
  tools: CompanionTools & Pick<WriterTools, 'committed'>,
  write: Write<ObjectFacts>,
  change: CompanionChange | undefined,
  request: WriteRequest,
): Promise<Buffer> {
  const { storage } = tools
  // Most kinds have none. And nothing is written beside an object that will be refused itself.
  const holds = change?.hooks.companions !== undefined && (storage.newest(write.key)?.revision ?? 0) === write.expect
  try {
    const own = await (!holds
      ? storage.write(write)
      : storage.claims
        ? inTurn(tools, write, change)
        : together(tools, write, companionWrites(change, tools)))
    tools.committed?.(request, own)
    return own.entry.value
  } catch (error) {
    if (error instanceof ValueTooLarge) throw tooLarge(error.bytes, error)
    throw asAnswer(error, 'the store takes no writes')
  }
}

/** Begun in one turn: the store commits them together, or where it breaks in between, one after the other. */
async function together(
  { storage, log }: CompanionTools,
  write: Write<ObjectFacts>,
  { made, removed }: CompanionWrites,
): Promise<Change<ObjectFacts>> {
  // First what comes with it: whoever hears of the object finds them. One that fails alone is repaired by its keeper.
  const others = [...made, ...removed].map((each) =>
    storage.write(each).catch((error: unknown) => {
      log.warn('what comes with an object was not written; its keeper repairs it', { key: each.key, error })
    }),
  )
  const [own] = await Promise.all([storage.write(write), ...others])
  return own
}

/**
 * First what the object needs, then the object, then what it needs no more: with several servers nothing commits them together, and who ends in between
 * leaves what nobody needs, for the keeper. Of two servers that write for one name the second is told like one whose number was taken.
 */
async function inTurn(tools: CompanionTools, write: Write<ObjectFacts>, change: CompanionChange): Promise<Change<ObjectFacts>> {
  const { storage, log } = tools
  const discard = async (each: Write<ObjectFacts>) => {
    await storage.write(each).catch((error: unknown) => {
      if (!(error instanceof StorageConflict))
        log.warn('what an object needs no more was not removed; its keeper does', { key: each.key, error })
    })
  }
  const done: Change<ObjectFacts>[] = []
  let isOwn = false
  try {
    const { made, removed } = companionWrites(change, tools)
    for (const each of made) done.push(await storage.write(each))
    isOwn = true
    const own = await storage.write(write)
    for (const each of removed) await discard(each)
    return own
  } catch (error) {
    // Of an object that may have been stored all the same the keeper knows in a moment what it needs.
    if (error instanceof StorageUnavailable) throw error
    for (const { key, revision } of done) await discard({ key, type: 'delete', expect: revision, durability: 'synced' })
    if (!isOwn && (error instanceof StorageConflict || hasReason(error, 'AlreadyExists'))) throw new ClaimsTaken(write.key, new Map())
    throw error
  }
}
