import type { ApiServerParts } from '../../apiserver/create-apiserver.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { parseDuration } from '../../shared/process/setting.ts'
import { LONGEST_JUMP, MOST_SPEED, type Pacer } from './pacer.ts'

/** A body is a few words. */
const MOST_BYTES = 1024

interface Wish {
  speed?: number
  jump?: number
}

/** `/what-if/clock`: GET says how time passes, POST `{"speed": 10}` or `{"jump": "10m"}` changes it and answers when it has. */
export function clockPath(pacer: () => Pacer): NonNullable<ApiServerParts['paths']> {
  return {
    '/what-if/clock': async (request, _info, reply) => {
      if (request.method === 'POST') {
        const { speed, jump } = wishOf((await request.readBody(MOST_BYTES)).toString())
        if (jump !== undefined) await pacer().jump(jump)
        if (speed !== undefined) pacer().setSpeed(speed)
      } else if (request.method !== 'GET' && request.method !== 'HEAD') {
        throw new StatusError('MethodNotAllowed', 'the clock is asked with GET and set with POST')
      }
      const { time, passed, speed } = pacer().pace
      const body = { kind: 'Clock', time: new Date(time).toISOString(), passedSeconds: passed / 1000, speed }
      return reply.send(200, 'application/json', `${JSON.stringify(body)}\n`)
    },
  }
}

/** @throws StatusError saying what is wrong with the body */
function wishOf(text: string): Wish {
  const body = parsed(text)
  const unknown = Object.keys(body).find((key) => key !== 'speed' && key !== 'jump')
  if (unknown !== undefined || Object.keys(body).length === 0) {
    throw new StatusError('BadRequest', 'the body is {"speed": 10}, {"jump": "10m"}, or both')
  }
  const wish: Wish = {}
  const { speed, jump } = body
  if (speed !== undefined) {
    if (typeof speed !== 'number' || !(speed >= 0 && speed <= MOST_SPEED)) {
      throw new StatusError('BadRequest', `speed: is a number from 0 (time stands still) to ${MOST_SPEED}`)
    }
    wish.speed = speed
  }
  if (jump !== undefined) wish.jump = jumpOf(jump)
  return wish
}

/** Milliseconds. @throws StatusError saying what is wrong with the text */
export function jumpOf(jump: unknown): number {
  try {
    const milliseconds = parseDuration(typeof jump === 'string' ? jump : '')
    if (milliseconds >= 0 && milliseconds <= LONGEST_JUMP) return milliseconds
  } catch {
    // Said below, with the rest.
  }
  throw new StatusError('BadRequest', 'jump: is a duration such as 10m or 1h30m, of a year at most')
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  } catch {
    // Said below.
  }
  throw new StatusError('BadRequest', 'the body is no JSON object')
}
