import type { List, ListOptions, WatchEvent, WatchOptions } from '../client/client.ts'
import { hasReason, StatusError } from '../errors/status-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { ObjectMeta } from '../openapi/generated/meta-v1.ts'
import type { Random } from '../random/random.ts'
import type { Clock, Timer } from '../time/clock.ts'

/** Where objects come from: one kind and selection. */
export interface ReflectorSource<T> {
  list(options: Pick<ListOptions, 'limit' | 'continue' | 'signal'>): Promise<List<T>>
  watch(options: Pick<WatchOptions, 'resourceVersion' | 'allowBookmarks' | 'timeoutSeconds' | 'signal'>): AsyncIterable<WatchEvent<T>>
}

/** Where they go. */
export interface ReflectorTarget<T> {
  /** The whole truth at a revision: what is not in it is gone. */
  replace(objects: T[], revision: string): void
  put(object: T): void
  remove(object: T): void
  /** Everything up to the revision has been handed over. */
  reached(revision: string): void
}

interface ReflectorTools {
  clock: Clock
  random: Random
  log: Logger
}

const PAGE_SIZE = 1000
const SHORTEST_PAUSE_MILLISECONDS = 200
const LONGEST_PAUSE_MILLISECONDS = 5_000
/** The server ends a watch after 5 to 10 minutes, at random so that not all come back at once (figures of client-go). */
const SHORTEST_WATCH_SECONDS = 300
/**
 * A server sends bookmarks about once a minute; after this long without any frame the connection is taken for dead. (A dead host is
 * noticed sooner, by the transport; this is for a peer whose kernel answers while its process does not.)
 */
const SILENCE_MILLISECONDS = 180_000
/** A watch that ended sooner than this without an event must not be begun again at once. */
const BRIEF_MILLISECONDS = 1_000

/**
 * Keeps the target equal to the source until the signal aborts: list, watch from the list's revision, resume from the last one seen,
 * list again when that revision is too old. Never throws; failures are logged when they begin and when they are over.
 */
export async function reflect<T extends { metadata: ObjectMeta }>(
  source: ReflectorSource<T>,
  target: ReflectorTarget<T>,
  tools: ReflectorTools,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log } = tools
  let revision: string | undefined
  let failures = 0
  while (!signal.aborted) {
    const began = clock.monotonic()
    const before = revision
    try {
      if (revision === undefined) {
        const { objects, at } = await listAll(source, signal)
        for (const object of objects) forgetOwners(object)
        target.replace(objects, at)
        revision = at
      }
      for await (const { type, object } of eventsFrom(revision, source, tools, signal)) {
        if (failures > 0) log.info('the watch is back', { failures })
        failures = 0
        revision = object.metadata.resourceVersion ?? revision
        // Before the listeners hear of the change: they may ask how far the cache is.
        target.reached(revision)
        forgetOwners(object)
        if (type === 'DELETED') target.remove(object)
        else if (type !== 'BOOKMARK') target.put(object)
      }
      const idle = revision === before && clock.monotonic() - began < BRIEF_MILLISECONDS
      failures = idle ? failures + 1 : 0
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof WatchSilent) {
        log.debug('the watch fell silent; beginning it anew', { revision }) // either nothing changes anywhere, or the connection is dead
      } else if (mustListAgain(error)) {
        log.info('listing again: the revision to resume from is gone', { revision, error })
        if (clock.monotonic() - began < BRIEF_MILLISECONDS) failures++ // a server that refuses what it just listed must not make us spin
        revision = undefined
      } else {
        failures++
        if (failures === 1) log.warn('the watch broke off; trying again', { error })
        else log.debug('still no watch', { failures, error })
      }
    }
    if (failures > 0 && !signal.aborted) {
      const longest = Math.min(LONGEST_PAUSE_MILLISECONDS, SHORTEST_PAUSE_MILLISECONDS * 2 ** (failures - 1))
      await clock.sleep(longest * (0.5 + random.fraction() / 2), signal).catch(() => {}) // an abort ends the loop above
    }
  }
}

async function listAll<T>(source: ReflectorSource<T>, signal: AbortSignal): Promise<{ objects: T[]; at: string }> {
  let page = await source.list({ limit: PAGE_SIZE, signal })
  const objects = page.items
  while (page.metadata.continue) {
    page = await source.list({ limit: PAGE_SIZE, continue: page.metadata.continue, signal })
    for (const object of page.items) objects.push(object)
  }
  return { objects, at: page.metadata.resourceVersion ?? '' }
}

/** Who owns which field is half of an object's memory, and nothing that a controller decides by; the server keeps it through updates without it. */
function forgetOwners({ metadata }: { metadata: ObjectMeta }): void {
  if (metadata.managedFields) delete metadata.managedFields
}

class WatchSilent extends Error {}

/** One watch, given up when it falls silent. @throws WatchSilent, and what the watch throws */
async function* eventsFrom<T>(
  revision: string,
  source: ReflectorSource<T>,
  { clock, random }: ReflectorTools,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const silence = new AbortController()
  let watchdog: Timer | undefined
  const heard = () => {
    watchdog?.cancel()
    watchdog = clock.after(SILENCE_MILLISECONDS, () => silence.abort(new WatchSilent('the watch fell silent')))
  }
  heard()
  try {
    const events = source.watch({
      resourceVersion: revision,
      allowBookmarks: true,
      timeoutSeconds: Math.round(SHORTEST_WATCH_SECONDS * (1 + random.fraction())),
      signal: AbortSignal.any([signal, silence.signal]),
    })
    for await (const event of events) {
      heard()
      yield event
    }
  } finally {
    watchdog?.cancel()
  }
}

/** Too old (410), or of a server that does not know it yet or any more (a store that was replaced). */
function mustListAgain(error: unknown): boolean {
  if (hasReason(error, 'Expired') || hasReason(error, 'Gone')) return true
  return error instanceof StatusError && error.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') === true
}
