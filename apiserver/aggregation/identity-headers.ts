import { StatusError } from '../../shared/errors/status-error.ts'
import type { User } from '../authn/user.ts'
import { frontProxyHeaders as named } from '../certificates/front-proxy.ts'
import type { HeaderValues } from '../connect/proxy-headers.ts'

/** Letters of header names (RFC 9110 §5.6.2) but for the percent sign, by which the others are written. */
const PLAIN = /[A-Za-z0-9!#$&'*+.^_`|~-]/

/**
 * Says to an extension server who asks; it believes that of the holder of the front proxy's certificate. Names go as their UTF-8 bytes, keys of
 * extra are escaped, as upstream's requestheader authentication reads them.
 * @throws StatusError BadRequest for a name that no header can carry: half of it would be another's
 */
export function identityHeaders({ name, uid, groups, extra = {} }: User): HeaderValues {
  const headers: HeaderValues = { [named.user]: headerValue(name) }
  if (uid) headers[named.uid] = headerValue(uid)
  if (groups.length > 0) headers[named.group] = groups.map(headerValue)
  for (const [key, values] of Object.entries(extra)) {
    if (values.length > 0) headers[`${named.extraPrefix}${escapedKey(key)}`] = values.map(headerValue)
  }
  return headers
}

function headerValue(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text) || text !== text.trim()) {
    throw new StatusError(
      'BadRequest',
      'the name, a group or an extra of the user has characters that cannot be passed on to another API server',
    )
  }
  return Buffer.from(text).toString('latin1')
}

function escapedKey(key: string): string {
  const letters = Array.from(Buffer.from(key.toLowerCase()), (byte) => {
    const letter = String.fromCharCode(byte)
    return PLAIN.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  return letters.join('')
}
