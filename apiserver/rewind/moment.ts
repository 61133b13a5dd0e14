import { quoted } from '../../shared/errors/quoted.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { asAnswer } from '../registry/store-unavailable.ts'
import { type Mark, RevisionCompacted, type Storage } from '../storage/storage.ts'

/** A state of the store that was: after every change up to a revision, before the next. */
export interface Moment {
  readonly revision: number
  /** Wall time in milliseconds: the one that was asked for, else when the revision was written. */
  readonly time: number
}

type History = Pick<Storage, 'revision' | 'compacted' | 'mark' | 'markAt' | 'oldestMark'>

/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/

/**
 * The moment that a text names: a revision, or a time. A time without a fraction is the end of its second, because the API's own times have none: at
 * its `creationTimestamp` an object is there.
 * @throws StatusError BadRequest for what is neither or lies ahead, Expired for what is forgotten
 */
export async function momentOf(text: string, storage: History, now: number): Promise<Moment> {
  if (/^\d{1,16}$/.test(text)) return momentOfRevision(Number(text), storage, now)
  const time = TIME.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN
  if (Number.isNaN(time)) {
    const examples = 'a revision (any resourceVersion, such as 1234), or a time in RFC 3339 (such as 2026-01-31T12:00:00Z)'
    throw new StatusError('BadRequest', `${quoted(text)} is no moment: give ${examples}`)
  }
  if (time > now) throw new StatusError('BadRequest', `${quoted(text)} lies ahead: it is ${timestamp(now)}`)
  const meant = text.includes('.') ? time : Math.min(time + 999, now)
  const mark = await storage.markAt(meant)
  if (mark === undefined) throw await forgotten(text, storage)
  return { revision: mark.revision, time: meant }
}

async function momentOfRevision(revision: number, storage: History, now: number): Promise<Moment> {
  if (revision > storage.revision)
    throw new StatusError('BadRequest', `revision ${revision} lies ahead: the newest one is ${storage.revision}`)
  if (revision < Math.max(1, storage.compacted)) throw await forgotten(`revision ${revision}`, storage)
  // Of the oldest one the log may know only what came after it, and etcd has revisions that are no change.
  const mark = (await storage.mark(revision)) ?? (await storage.oldestMark())
  return { revision, time: mark?.time ?? now }
}

/** Reads of a moment: it may be forgotten meanwhile. @throws StatusError Expired, ServiceUnavailable */
export async function readingPast<T>(what: string, storage: History, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof RevisionCompacted) throw await forgotten(what, storage, error)
    throw asAnswer(error, 'the past cannot be read')
  }
}

/** The answer for what is not there any more; it says what is. */
async function forgotten(what: string, storage: History, cause?: unknown): Promise<StatusError> {
  const oldest: Mark | undefined = await storage.oldestMark()
  const since =
    oldest === undefined
      ? `there is revision ${storage.revision}, the present`
      : `the oldest moment that is there is revision ${oldest.revision}, ${new Date(oldest.time).toISOString()}`
  return new StatusError('Expired', `${what} is forgotten: ${since}. How much is kept: --history-retention`, { cause })
}
