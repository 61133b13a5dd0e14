import { hasReason } from '../errors/status-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { KubeObject, ObjectName } from '../objects/object.ts'
import type { ObjectReference } from '../openapi/generated/core-v1.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import { timestamp } from '../time/timestamp.ts'
import { becauseOf, type Cause, currentCause } from './cause.ts'
import type { Client, ObjectOf } from './client.ts'
import { EventCorrelation, remember } from './event-correlation.ts'
import type { EventRecorder } from './event-recorder.ts'

interface RecorderTools {
  client: Client
  clock: Clock
  random: Random
  log: Logger
}

/** Who speaks: `component` is shown as From, `host` for node agents. */
export interface EventSource {
  component: string
  host?: string | undefined
}

interface Pending {
  key: string
  involved: ObjectReference
  type: string
  reason: string
  message: string
  at: number
  /** That of the work in which it was recorded. */
  cause: Cause | undefined
}

interface Written {
  name: ObjectName
  count: number
}

/** What waits to be written, at most; beyond it events are dropped, and that is logged. */
const MOST_PENDING = 1000
const ATTEMPTS = 4
const PAUSE_MILLISECONDS = 1_000

/**
 * Writes Events in the background, one after another, in the order of their recording. A repeat within the memory of this process
 * raises `count` and `lastTimestamp` of the stored Event. While the server is away it tries a few times, then gives the event up.
 */
export function createEventRecorder({ client, clock, random, log }: RecorderTools, source: EventSource): EventRecorder {
  const correlation = new EventCorrelation()
  const written = new Map<string, Written>()
  const pending: Pending[] = []
  const nameOf = eventNames(random)
  let draining: Promise<void> | undefined
  /** Aborts the pauses between attempts: who flushes is about to stop and cannot wait for a server that is away. */
  let hurry = new AbortController()

  const write = async (event: Pending): Promise<void> => {
    const known = written.get(event.key)
    if (known) {
      try {
        const body = { count: known.count + 1, lastTimestamp: timestamp(event.at), message: event.message }
        await client.patch('v1', 'Event', known.name, { type: 'strategic', body })
        remember(written, event.key, { name: known.name, count: known.count + 1 })
        return
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error // it outlived its time to live: begin a new one
      }
    }
    const created = await client.create('v1', 'Event', eventObject(event, source, nameOf(event)))
    remember(written, event.key, { name: { namespace: created.metadata.namespace, name: created.metadata.name ?? '' }, count: 1 })
  }

  const drain = async () => {
    for (let event = pending.shift(); event; event = pending.shift()) {
      for (let attempt = 1; ; attempt++) {
        try {
          await becauseOf(event.cause, () => write(event))
          break
        } catch (error) {
          // A namespace that is going away takes no Events, and that is as it should be.
          const final = hasReason(error, 'Forbidden') || hasReason(error, 'NotFound') || hasReason(error, 'Invalid')
          if (final || attempt >= ATTEMPTS || hurry.signal.aborted) {
            const about = `${event.involved.kind} ${event.involved.namespace ?? ''}/${event.involved.name}`
            log[final ? 'debug' : 'warn']('an Event could not be written', { about, reason: event.reason, message: event.message, error })
            break
          }
          await clock.sleep(PAUSE_MILLISECONDS * attempt * (0.5 + random.fraction()), hurry.signal).catch(() => {}) // hurried: try once more
        }
      }
    }
    draining = undefined
  }

  return {
    record(about, type, reason, message, options = {}) {
      const involved = referenceTo(about, options.fieldPath)
      const subject = [source.component, source.host, involved.apiVersion, involved.kind, involved.namespace, involved.name, involved.uid]
      const verdict = correlation.judge({ subject: [...subject, involved.fieldPath].join('\0'), type, reason, message }, clock.now())
      if (verdict.action === 'drop') return log.debug('an Event was dropped: too many about one object', { reason, message })
      if (pending.length >= MOST_PENDING) return log.warn('an Event was dropped: too many wait to be written', { reason, message })
      pending.push({ key: verdict.key, involved, type, reason, message: verdict.message, at: clock.now(), cause: currentCause() })
      draining ??= drain()
    },
    async flush() {
      hurry.abort(new Error('the recorder is being flushed'))
      await draining
      hurry = new AbortController()
    },
  }
}

function referenceTo(about: KubeObject, fieldPath: string | undefined): ObjectReference {
  const { namespace, name, uid, resourceVersion } = about.metadata
  return { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion, fieldPath }
}

/** Room that a name of 253 characters leaves beside a dot and sixteen digits. */
const LONGEST_SUBJECT = 236

/**
 * Names end with the time in nanoseconds, as client-go's do, so that an object's Events sort by age. The clock knows milliseconds: what
 * is finer is chance, so that no two components choose alike, and each name of a recorder is after its last.
 */
function eventNames(random: Random): (event: Pending) => string {
  let last = 0n
  return ({ involved, at }) => {
    const now = BigInt(at) * 1_000_000n + BigInt(Math.floor(random.fraction() * 1_000_000))
    last = now > last ? now : last + 1n
    return `${(involved.name ?? '').slice(0, LONGEST_SUBJECT)}.${last.toString(16).padStart(16, '0')}`
  }
}

function eventObject(event: Pending, source: EventSource, name: string) {
  const { involved } = event
  const namespace = involved.namespace ?? 'default'
  const at = timestamp(event.at)
  return {
    metadata: { namespace, name },
    involvedObject: involved,
    reason: event.reason,
    message: event.message.slice(0, 1024),
    type: event.type,
    source,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    reportingComponent: source.component,
    reportingInstance: source.host ?? '',
  } satisfies Partial<ObjectOf<'v1', 'Event'>>
}
