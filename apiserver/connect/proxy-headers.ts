type Headers = Readonly<Record<string, string | string[] | undefined>>
export type HeaderValues = Record<string, string | string[]>

/** Of one connection, not of the message (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
])
/** How people prove themselves to us, or speak for others: nobody behind us may have it. `expect` was answered where the request came in. */
const OURS = /^(authorization|expect|host|impersonate-.*|x-remote-(user|group|uid|extra-.*))$/
/** The page behind the proxy must not open the API server's origin to other pages (as upstream). */
const CORS = /^access-control-allow-(credentials|headers|methods|origin)$/

/** What of a request is passed on. */
export function requestHeaders(headers: Headers): HeaderValues {
  const named = namedByConnection(headers)
  return chosen(headers, (name) => !HOP_BY_HOP.has(name) && !OURS.test(name) && !named.has(name))
}

/** What of an answer is passed on. */
export function answerHeaders(headers: Headers): HeaderValues {
  const named = namedByConnection(headers)
  return chosen(headers, (name) => !HOP_BY_HOP.has(name) && !CORS.test(name) && !named.has(name))
}

/** What says where a proxied request came from, as upstream's proxy adds it. */
export function forwardedFor(headers: Headers, { from, path }: { from: string; path: string }): HeaderValues {
  const before = [headers['x-forwarded-for'] ?? []].flat()
  return {
    'x-forwarded-for': [...before, from].join(', '),
    'x-forwarded-uri': path,
    ...(typeof headers['host'] === 'string' ? { 'x-forwarded-host': headers['host'] } : {}),
    'x-forwarded-proto': 'https',
  }
}

function chosen(headers: Headers, isWanted: (name: string) => boolean): HeaderValues {
  const result: HeaderValues = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && isWanted(name)) result[name] = value
  return result
}

/** A Connection header may name further headers that are of the connection. */
function namedByConnection({ connection }: Headers): ReadonlySet<string> {
  return new Set(
    [connection ?? []]
      .flat()
      .flatMap((value) => value.split(','))
      .map((name) => name.trim().toLowerCase()),
  )
}
