import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'

/**
 * Refuses URLs that are longer than anything the API has names for, before they are taken apart.
 * @throws StatusError 414, naming the part and its limit. The API has no reason for this code, as upstream has none.
 */
export function checkUrlSize(url: string): void {
  const { pathBytes, queryBytes } = inputLimits
  if (url.length <= pathBytes) return
  const mark = url.indexOf('?')
  const path = mark < 0 ? url.length : mark
  if (path > pathBytes) throw tooLong(414, `the path of the request has ${path} bytes, ${pathBytes} at most are read`)
  const query = url.length - path - 1
  if (query > queryBytes) throw tooLong(414, `the query of the request has ${query} bytes, ${queryBytes} at most are read`)
}

/** 431 for a header that is read for what it says. */
export function headerTooLong(name: string): StatusError {
  return tooLong(431, `the header ${name} is longer than ${inputLimits.headerCharacters} characters`)
}

/** 431 for what does not even fit into the head of a request. */
export function headTooLong(): StatusError {
  return tooLong(431, `the URL and the headers of the request have more than ${inputLimits.headerBytes} bytes together`)
}

function tooLong(code: 414 | 431, message: string): StatusError {
  return new StatusError('Unknown', message, { code, details: {} })
}
