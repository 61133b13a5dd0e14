import { fn, method, type Overload, opaque, string } from '../define.ts'
import { traversal } from '../meter.ts'
import { boolType, listOf, mapOf, opaqueType, stringType } from '../type.ts'
import { CelError, Opaque, type Value, ValueList, ValueMap } from '../value.ts'

const type = opaqueType('kubernetes.URL')
/** Scheme, authority, path, query and fragment of RFC 3986, appendix B. */
const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

/** An absolute URL, or an absolute path. */
class UrlValue extends Opaque {
  override readonly type = type
  readonly text: string
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string

  constructor(text: string, [, scheme = '', authority = '', path = '', query = '']: readonly string[]) {
    super()
    this.text = text
    this.scheme = scheme.toLowerCase()
    this.host = authority.slice(authority.lastIndexOf('@') + 1)
    this.path = path
    this.query = query
  }

  override get identity(): string {
    return this.text
  }

  get hostname(): string {
    return this.host.startsWith('[') ? this.host.slice(1, this.host.indexOf(']')) : this.host.replace(/:\d*$/, '')
  }

  get port(): string {
    return /:(\d*)$/.exec(this.host.slice(this.host.indexOf(']') + 1))?.[1] ?? ''
  }
}

const url = opaque(type, UrlValue)
const costs = ([size]: readonly number[]) => Math.max(1, traversal(size!))

/** What Go's `url.ParseRequestURI` takes: something absolute, without control characters and broken escapes. */
function read(text: string): Value {
  const failed = (why: string) =>
    new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text.slice(0, 200))}: ${why}`)
  if (text === '') return failed('empty url')
  if (/[\x00-\x1f\x7f]/.test(text)) return failed('net/url: invalid control character in URL')
  const found = parts.exec(text)
  if (!found || (found[1] === undefined && !text.startsWith('/'))) return failed('invalid URI for request')
  const made = new UrlValue(text, found)
  if (/%(?![0-9a-fA-F]{2})/.test(made.path)) return failed('invalid URL escape')
  if (!/^(\[[0-9a-fA-F:.%]+\]|[^\s[\]:]*)(:\d*)?$/.test(made.host)) return failed('invalid character in host name')
  return made
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}

function queryOf({ query }: UrlValue): Value {
  const values = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const equals = pair.indexOf('=')
    const key = decoded(equals < 0 ? pair : pair.slice(0, equals))
    const texts = values.get(key) ?? []
    texts.push(equals < 0 ? '' : decoded(pair.slice(equals + 1)))
    values.set(key, texts)
  }
  return ValueMap.of([...values].map(([key, texts]) => [key, new ValueList(texts)] as const))
}

/** Kubernetes' functions of URLs. */
export const urls: readonly Overload[] = [
  fn('url', [string], type, ([text]) => read(text), costs),
  fn('isURL', [string], boolType, ([text]) => !(read(text) instanceof CelError), costs),
  method('getScheme', [url], stringType, ([value]) => value.scheme),
  method('getHost', [url], stringType, ([value]) => value.host),
  method('getHostname', [url], stringType, ([value]) => value.hostname),
  method('getPort', [url], stringType, ([value]) => value.port),
  method('getEscapedPath', [url], stringType, ([value]) => value.path),
  method('getQuery', [url], mapOf(stringType, listOf(stringType)), ([value], meter) => {
    meter.charge(traversal(value.query.length))
    return queryOf(value)
  }),
]
