import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { LogOptions } from '../runtime/container-runtime.ts'

/** Reads the options of a log request (core/v1 PodLogOptions as a query). @throws StatusError BadRequest */
export function logOptions(query: URLSearchParams, clock: Clock): LogOptions & { previous: boolean } {
  const sinceSeconds = wholeNumber(query, 'sinceSeconds')
  const sinceTime = query.get('sinceTime')
  const since = sinceTime ? parseTimestamp(sinceTime) : sinceSeconds === undefined ? undefined : clock.now() - sinceSeconds * 1000
  if (sinceTime && since === undefined) throw new StatusError('BadRequest', `sinceTime ${JSON.stringify(sinceTime)} is no time`)
  return {
    follow: isSet(query, 'follow'),
    timestamps: isSet(query, 'timestamps'),
    previous: isSet(query, 'previous'),
    tailLines: wholeNumber(query, 'tailLines'),
    limitBytes: wholeNumber(query, 'limitBytes'),
    since,
  }
}

export function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  return value === 'true' || value === '1'
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (!/^\d{1,15}$/.test(value)) throw new StatusError('BadRequest', `${name} ${JSON.stringify(value)} is no whole number`)
  return Number(value)
}
