import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { Reply } from '../http/exchange.ts'
import { chainOf } from './chain.ts'
import type { Deed, Deeds } from './deeds.ts'

/** Who follows at once; each looks at every change. */
const MOST_FOLLOWERS = 50
/** Deeds that wait for a reader; one that is slower is cut off. */
const MOST_WAITING = 1_000
/** Milliseconds between two looks: by then it is known who was told. */
const PACE = 200
const SECONDS = { usual: 600, most: 3_600 }

export interface FollowOptions {
  readonly key: string
  readonly deeds: Deeds
  readonly clock: Clock
  readonly reply: Reply
  readonly query: URLSearchParams
  /** Undefined for what the reader may not get. */
  readonly show: (deed: Deed) => Promise<object | undefined>
}

/** The chain of an object, and then what joins it, a line of JSON each. The answer has begun when this resolves. @throws StatusError TooManyRequests, BadRequest */
export async function followDeeds({ key, deeds, clock, reply, query, show }: FollowOptions): Promise<void> {
  const seconds = secondsOf(query.get('timeoutSeconds'))
  if (deeds.followers >= MOST_FOLLOWERS) {
    throw new StatusError('TooManyRequests', `${MOST_FOLLOWERS} follow chains already`, { details: { retryAfterSeconds: 10 } })
  }
  const { chain } = chainOf(key, deeds)
  const known = new Set(chain.map(({ revision }) => revision))
  const waiting: Deed[] = [...chain]
  const unfollow = deeds.follow((deed) => {
    const isPart = deed.key === key || (deed.causeRevision !== undefined && known.has(deed.causeRevision))
    if (!isPart) return
    known.add(deed.revision)
    if (waiting.push(deed) > MOST_WAITING) reply.abort()
  })
  let isReady = true
  let isWriting = false
  const write = async () => {
    if (isWriting) return
    isWriting = true
    while (isReady && !reply.closed && waiting.length > 0) {
      const item = await show(waiting.shift()!)
      if (!item || reply.closed) continue
      isReady = reply.write(Buffer.from(`${JSON.stringify(item)}\n`))
      if (!isReady) reply.onDrain(() => (isReady = true))
    }
    isWriting = false
  }
  // What cannot be read any more ends the answer; who follows comes again.
  const look = () => void write().catch(() => reply.abort())
  const pace = clock.every(PACE, look)
  const end = clock.after(seconds * 1000, () => reply.end())
  reply.onClose(() => {
    unfollow()
    pace.cancel()
    end.cancel()
  })
  reply.begin(200, 'application/json')
  look()
}

function secondsOf(text: string | null): number {
  if (!text) return SECONDS.usual
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (seconds < 1) throw new StatusError('BadRequest', `timeoutSeconds: give a number from 1 to ${SECONDS.most}`)
  return Math.min(seconds, SECONDS.most)
}
