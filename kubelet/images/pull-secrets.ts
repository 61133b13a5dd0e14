import type { Secret } from '../../shared/openapi/generated/core-v1.ts'
import type { RegistryCredentials } from '../runtime/container-runtime.ts'
import { type ImageReference, parseImageReference } from './image-reference.ts'

/** One entry of a pull secret: for images whose name begins like `pattern`. */
export interface RegistryLogin {
  pattern: string
  credentials: RegistryCredentials
}

/** The logins in a secret of type `kubernetes.io/dockerconfigjson` or `…/dockercfg`; a secret that cannot be read has none. */
export function loginsOf(secret: Secret): RegistryLogin[] {
  const modern = secret.data?.['.dockerconfigjson']
  const old = secret.data?.['.dockercfg']
  const text = modern ?? old
  if (text === undefined) return []
  const value = parseJson(Buffer.from(text, 'base64').toString())
  const auths = modern === undefined ? value : record(value)?.['auths']
  return Object.entries(record(auths) ?? {}).flatMap(([pattern, entry]) => {
    const login = credentialsOf(pattern, record(entry))
    return login ? [{ pattern, credentials: login }] : []
  })
}

/** The logins that fit an image, the most specific first. */
export function loginsFor(image: string, logins: readonly RegistryLogin[]): RegistryCredentials[] {
  const reference = parseImageReference(image)
  if (!reference) return []
  const fitting = logins.filter(({ pattern }) => fits(pattern, reference))
  return fitting.sort((a, b) => b.pattern.length - a.pattern.length).map(({ credentials }) => credentials)
}

function fits(pattern: string, { registry, path }: ImageReference): boolean {
  const bare = pattern.replace(/^https?:\/\//, '').replace(/\/+$/, '')
  const [host = '', ...parts] = bare.split('/')
  // The public registry has two names, and its login entries traditionally end in an API path.
  const isHub = host === 'index.docker.io' || host === 'docker.io'
  if (isHub && registry === 'docker.io')
    return parts.length === 0 || parts[0] === 'v1' || parts[0] === 'v2' || path.startsWith(parts.join('/'))
  return hostFits(host, registry) && (parts.length === 0 || `${path}/`.startsWith(`${parts.join('/')}/`))
}

/** `*` stands for any signs within one part of a host name. */
function hostFits(pattern: string, host: string): boolean {
  const wanted = pattern.split('.')
  const actual = host.split('.')
  return wanted.length === actual.length && wanted.every((part, index) => partFits(part, actual[index] ?? ''))
}

/** Piece by piece, each as early as it goes: a regular expression of many stars would try every way to share the signs out. */
function partFits(pattern: string, text: string): boolean {
  const [first = '', ...pieces] = pattern.split('*')
  const last = pieces.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of pieces) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

function credentialsOf(serverAddress: string, entry: Record<string, unknown> | undefined): RegistryCredentials | undefined {
  if (!entry) return undefined
  const { username, password, auth } = entry
  if (typeof username === 'string' && typeof password === 'string') return { username, password, serverAddress }
  if (typeof auth !== 'string') return undefined
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1), serverAddress }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}
