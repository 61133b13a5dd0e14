/** Characters that mean the same written out or as %XX (RFC 3986 §2.3). */
const UNRESERVED = /^[A-Za-z0-9._~-]$/

/**
 * The path that rules are compared with: without the query, `%61` as `a`, and without dot segments, so that nobody gets around a rule by
 * spelling. What is passed on is the request's own spelling. Linear in its length.
 */
export function comparedPath(target: string): string {
  const mark = target.search(/[?#]/)
  const raw = mark < 0 ? target : target.slice(0, mark)
  const decoded = raw.includes('%') ? raw.replace(/%[0-9a-fA-F]{2}/g, plainCharacter) : raw
  return decoded.includes('/.') ? withoutDots(decoded) : decoded
}

function plainCharacter(escaped: string): string {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
  return UNRESERVED.test(character) ? character : escaped.toUpperCase()
}

function withoutDots(path: string): string {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
    // `/a/.` and `/a/b/..` are the folder `/a/`.
    if (isLast && (segment === '.' || segment === '..')) kept.push('')
  }
  return `/${kept.join('/')}`
}
