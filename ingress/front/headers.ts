import type { IpRange } from '../../shared/addresses/ip-range.ts'

export type Headers = Record<string, string | string[]>

/** Of one connection, not of the message (RFC 9110 §7.6.1), and `expect`, which was answered where the request came in. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'expect'],
])
/** What only proxies may say; programs read `_` in a name as `-`, so both are meant. */
const FORWARDED = /^(forwarded|x-forwarded-.*|x-real-ip|x-original-(url|uri|host|forwarded-for)|x-rewrite-url)$/

/** Who asks, as far as the connection shows. */
export interface Origin {
  /** Address of the other end of the connection. */
  readonly peer: string
  readonly scheme: 'http' | 'https'
  /** The port that clients know us by. */
  readonly port: number
  /** Host as the client said it. */
  readonly authority: string
}

/** Headers of a message by lower-case name, without those of its connection. @param raw name, value, name, value… as they came */
export function messageHeaders(raw: readonly string[]): Headers {
  const headers: Headers = {}
  const named = namedByConnection(raw)
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    if (name.startsWith(':') || HOP_BY_HOP.has(name) || named?.has(name) || name === '__proto__') continue
    const present = Object.hasOwn(headers, name) ? headers[name] : undefined
    const value = raw[at + 1]!
    headers[name] = present === undefined ? value : [...[present].flat(), value]
  }
  return headers
}

/**
 * What of a request is passed on, and what is said about where it came from. A client's own words about that are dropped, unless it is a proxy
 * that is trusted: then they are kept, and its own address is added.
 */
export function requestHeaders(raw: readonly string[], origin: Origin, trusted: readonly IpRange[]): Headers {
  const isTrusted = trusted.some((range) => range.holds(origin.peer))
  const given = messageHeaders(raw)
  const headers: Headers = {}
  for (const [name, value] of Object.entries(given)) {
    if (!FORWARDED.test(name.replaceAll('_', '-')) || (isTrusted && !name.includes('_'))) headers[name] = value
  }
  // Crumbs of HTTP/2 are one header to everybody else (RFC 9113 §8.2.3).
  if (Array.isArray(headers['cookie'])) headers['cookie'] = headers['cookie'].join('; ')
  headers['host'] = origin.authority
  const before = [headers['x-forwarded-for'] ?? []].flat()
  headers['x-forwarded-for'] = [...before, origin.peer].join(', ')
  headers['x-real-ip'] ??= before.join(',').split(',')[0]?.trim() || origin.peer
  headers['x-forwarded-proto'] ??= origin.scheme
  headers['x-forwarded-host'] ??= origin.authority
  headers['x-forwarded-port'] ??= String(origin.port)
  return headers
}

/** Whether a request can do with trailers: gRPC asks for them. */
export function wantsTrailers(raw: readonly string[]): boolean {
  return raw.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'te' && /(^|,)\s*trailers\s*(,|;|$)/i.test(raw[at + 1] ?? ''))
}

function namedByConnection(raw: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() !== 'connection') continue
    for (const name of raw[at + 1]!.split(',')) (named ??= new Set()).add(name.trim().toLowerCase())
  }
  // What says whose the message is and where it ends is nobody's to take away.
  for (const name of ['host', 'content-length', 'cookie', 'authorization']) named?.delete(name)
  return named
}
