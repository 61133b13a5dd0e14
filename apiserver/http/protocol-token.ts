import type { IncomingMessage } from 'node:http'

const HEADER = 'sec-websocket-protocol'
/** How browsers, which cannot set headers on a WebSocket, send a token: as one of the offered sub-protocols. */
const PREFIX = 'base64url.bearer.authorization.k8s.io.'

/**
 * Takes the tokens out of the sub-protocols that an upgrade request offers, so that nobody behind sees, forwards or chooses them.
 * Answers them, still encoded, when it is a WebSocket that is asked for; undefined when there are none or they do not count.
 */
export function takeProtocolTokens(raw: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): readonly string[] | undefined {
  const { headers, rawHeaders } = raw
  if (headers[HEADER] === undefined) return undefined
  const offered = headers[HEADER].split(',').map((protocol) => protocol.trim())
  const tokens = offered.filter((protocol) => protocol.startsWith(PREFIX))
  if (tokens.length === 0) return undefined
  const rest = offered.filter((protocol) => !protocol.startsWith(PREFIX)).join(', ')
  if (rest === '') delete headers[HEADER]
  else headers[HEADER] = rest
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) if (rawHeaders[at]?.toLowerCase() === HEADER) rawHeaders.splice(at, 2)
  if (rest !== '') rawHeaders.push('Sec-WebSocket-Protocol', rest)
  return headers.upgrade?.toLowerCase() === 'websocket' ? tokens.map((token) => token.slice(PREFIX.length)) : undefined
}
