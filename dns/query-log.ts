import type { Logger } from '../shared/logging/logger.ts'
import { codeName, typeName } from './message/codes.ts'
import type { Answered, Observer } from './observer.ts'

/** Passes everything on, and writes a line for each question while `isOn` says so. */
export function withQueryLog(next: Observer, log: Logger, isOn: () => boolean): Observer {
  return {
    answered(one) {
      next.answered(one)
      if (isOn()) log.info('query', fieldsOf(one))
    },
    unreadable: () => next.unreadable(),
  }
}

function fieldsOf({ query, overTcp, client, answer, seconds }: Answered): Record<string, unknown> {
  return {
    ...{ client, name: query.name, type: typeName(query.type), id: query.id, protocol: overTcp ? 'tcp' : 'udp' },
    ...{ code: codeName(answer[3]! & 0x0f), bytes: answer.length, milliseconds: Math.round(seconds * 1e6) / 1e3 },
  }
}
