import { quoted } from '../../shared/errors/quoted.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { anyField, type FieldSelector, parseFieldSelector } from '../../shared/selectors/field-selector.ts'
import { SelectorError } from '../../shared/selectors/selector-error.ts'
import { pathSegmentProblem } from './path-segment.ts'

export type ResourceVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/**
 * What a URL and a method ask for. Rights are asked about this value and verbs act on it, so that what is authorised is what is carried
 * out: nobody reads the URL or a selector a second time.
 */
export interface RequestInfo {
  readonly isResource: boolean
  /** The moment of the past that is asked about, as it was written (`/rewind/<moment>/…`); undefined: the present. All else here is as without it. */
  readonly moment: string | undefined
  /** Asks why an object is as it is (`/hood/…`), not for the object: the right is the same. */
  readonly isUnderTheHood: boolean
  /** A resource verb, or the lower-case method for everything else. */
  readonly verb: string
  /** Decoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** That of the path. A Namespace itself has its own name here, as it has in policies; no other Namespace can be named below it. */
  readonly namespace: string
  /** Plural. */
  readonly resource: string
  readonly name: string
  /** The field selector of the query; the error where it cannot be read, which only those hear who may ask. */
  readonly fields: FieldSelector | SelectorError
  readonly subresource: string
  /** What follows the sub-resource (`/proxy/…`), not decoded, without the leading slash. */
  readonly rest: string
}

const NO_QUERY = new URLSearchParams()
const verbsOfObject = new Map(Object.entries({ GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete', POST: 'create' }))
const verbsOfCollection = new Map(
  Object.entries({
    GET: 'list',
    HEAD: 'list',
    POST: 'create',
    DELETE: 'deletecollection',
    PUT: 'update',
    PATCH: 'patch',
  }),
)
/** Verbs about whatever is selected. */
const selecting = new Set(['list', 'watch', 'deletecollection'])
/** Sub-resources of the Namespace itself; every other third segment of `/namespaces/x/` is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize'])

/**
 * Reads method and URL. The URL is taken as it is: segments that only make sense to a file system or to a decoder with
 * other rules (`..`, `//`, `%2F`, NUL) are refused, never cleaned up.
 * @throws StatusError BadRequest for a URL that cannot be decoded, NotFound for a path that tricks
 */
export function requestInfo(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?')
  const rawPath = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 || mark === url.length - 1 ? NO_QUERY : queryOf(url.slice(mark + 1))
  if (/[^\u0000-\u007f]/.test(url))
    throw new StatusError('BadRequest', 'the URL is not well encoded: letters beyond ASCII are written as %XX')
  const segments = rawPath.split('/')
  segments.shift()
  if (segments[0] === REWIND && segments.length > 1) return rewoundInfo(method, segments, query)
  if (segments[0] === HOOD && segments.length > 1) return hoodInfo(method, segments.slice(1), query)
  return infoOf(method, rawPath, segments, query)
}

/** Below this path is asked why objects are as they are. */
const HOOD = 'hood'

function hoodInfo(method: string, segments: string[], query: URLSearchParams): RequestInfo {
  const info = infoOf(method, `/${segments.join('/')}`, segments, query)
  if (!info.isResource || info.verb === 'watch') throw unknownPath()
  return { ...info, isUnderTheHood: true }
}

/** The path below which the past is. */
const REWIND = 'rewind'
/** What of the paths that are no resources there is of the past. */
const ofThePast = new Set(['api', 'apis', 'openapi', 'version'])

/** A path below `/rewind/<moment>` is what it is without that; a moment alone, and its changes, are paths of their own. */
function rewoundInfo(method: string, segments: string[], query: URLSearchParams): RequestInfo {
  const [, written = '', ...rest] = segments
  if (written === '' && rest.length === 0) return infoOf(method, `/${REWIND}`, [REWIND], query)
  const moment = plainSegment(written)
  const isOwn = rest.length === 0 || (rest.length === 1 && (rest[0] === '' || rest[0] === 'changes'))
  if (isOwn) return { ...infoOf(method, rest[0] ? `/${REWIND}/changes` : `/${REWIND}`, [REWIND], query), moment }
  if (!ofThePast.has(rest[0]!)) throw unknownPath()
  return { ...infoOf(method, `/${rest.join('/')}`, rest, query), moment }
}

function infoOf(method: string, rawPath: string, segments: string[], query: URLSearchParams): RequestInfo {
  const isCore = segments[0] === 'api'
  const start = isCore ? 2 : 3
  if ((isCore || segments[0] === 'apis') && segments.length > start && segments[start] !== '') {
    return resourceInfo(method, rawPath, query, segments, start)
  }
  return {
    ...{ isResource: false, moment: undefined, isUnderTheHood: false, verb: method.toLowerCase(), path: decodePath(rawPath), query },
    ...{ group: '', version: '', namespace: '', resource: '', name: '', fields: anyField, subresource: '', rest: '' },
  }
}

function resourceInfo(method: string, path: string, query: URLSearchParams, segments: string[], start: number): RequestInfo {
  const group = start === 2 ? '' : plainSegment(segments[1]!)
  const version = plainSegment(segments[start - 1]!)
  let at = start
  const isLegacyWatch = segments[at] === 'watch'
  if (isLegacyWatch) at++
  if (segments[segments.length - 1] === '' && segments.length > at + 1) segments.pop()
  let namespace = ''
  let isInside = false
  const third = segments[at + 2]
  if (segments[at] === 'namespaces' && segments.length > at + 1) {
    namespace = plainSegment(segments[at + 1]!)
    isInside = third !== undefined && !(segments.length === at + 3 && namespaceSubresources.has(third))
    if (isInside) at += 2
  }
  const resource = plainSegment(segments[at] ?? '')
  // Whoever may in one namespace must not reach another one, or all, through it.
  if (resource === '' || (isInside && resource === 'namespaces')) throw unknownPath()
  const name = segments.length > at + 1 ? plainSegment(segments[at + 1]!) : ''
  const subresource = segments.length > at + 2 ? plainSegment(segments[at + 2]!) : ''
  const rest = segments.slice(at + 3).join('/')
  // The old way to spell a watch is for watches: another method or a sub-resource would be carried out as what it was not asked as.
  if (isLegacyWatch && (subresource !== '' || (method !== 'GET' && method !== 'HEAD'))) throw unknownPath()
  const byMethod = name === '' ? verbsOfCollection.get(method) : verbsOfObject.get(method)
  let verb = byMethod ?? method.toLowerCase()
  if (isLegacyWatch && (verb === 'get' || verb === 'list')) verb = 'watch'
  else if (verb === 'list' && isTrue(query.get('watch'))) verb = 'watch'
  else if (verb === 'get' && subresource === '' && isTrue(query.get('watch'))) verb = 'watch'
  const fields = selecting.has(verb) ? fieldsOf(query) : anyField
  return {
    isResource: true,
    moment: undefined,
    isUnderTheHood: false,
    verb,
    path,
    query,
    group,
    version,
    namespace,
    resource,
    name,
    fields,
    subresource,
    rest,
  }
}

/** Given more than once, a parameter's first value counts, as in Go. */
function fieldsOf(query: URLSearchParams): FieldSelector | SelectorError {
  const text = query.size === 0 ? null : query.get('fieldSelector')
  if (!text) return anyField
  const { selectorCharacters } = inputLimits
  if (text.length > selectorCharacters)
    return new SelectorError(`fieldSelector has ${text.length} characters, ${selectorCharacters} at most are read`)
  try {
    return parseFieldSelector(text)
  } catch (error) {
    if (error instanceof SelectorError) return error
    throw error
  }
}

/** Go's reading of a boolean parameter, as far as clients use it: present and not false. */
export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1' || value === 'True' || value === 'TRUE' || value === 't' || value === 'T'
}

const plain = /^[A-Za-z0-9._~-]+$/

/** One decoded segment. What no object may be called is a path trick. */
function plainSegment(raw: string): string {
  if (plain.test(raw) && raw !== '.' && raw !== '..') return raw
  const decoded = decode(raw)
  if (decoded === '' || pathSegmentProblem(decoded)) throw unknownPath()
  return decoded
}

function decodePath(raw: string): string {
  if (!raw.includes('%') && !raw.includes('//') && !raw.includes('/.')) return raw
  const decoded = raw
    .split('/')
    .map((part) => decode(part))
    .join('/')
  const isTrick = decoded.includes('//') || decoded.split('/').some((part) => part === '..' || part === '.')
  if (isTrick || /[\u0000-\u001f\u007f]/.test(decoded)) throw unknownPath()
  return decoded
}

/** Percent signs that mean nothing, and bytes that are no UTF-8, would be read as something else than was sent. */
function queryOf(raw: string): URLSearchParams {
  if (raw.includes('%')) decode(raw)
  return new URLSearchParams(raw)
}

function decode(raw: string): string {
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch (cause) {
    throw new StatusError('BadRequest', `the URL is not well encoded: ${quoted(raw)}`, { cause })
  }
}

/** The answer for whatever is not served, in the words every client knows. */
export function unknownPath(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource', { details: {} })
}

export function methodNotAllowed(): StatusError {
  return new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} })
}
