/** An image name taken apart, e.g. `registry.example:5000/team/app:1.2@sha256:…`. */
export interface ImageReference {
  /** Host (with port) of the registry; `docker.io` when the name says none. */
  registry: string
  /** The name as written, without tag and digest: what an engine is asked for. */
  repository: string
  /** The path in the registry; official images get their `library/`. */
  path: string
  tag?: string | undefined
  digest?: string | undefined
}

const PATH = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/

/** Takes a name apart by the grammar of the distribution project; undefined when it is not a name. */
export function parseImageReference(text: string): ImageReference | undefined {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  // A colon before the last slash belongs to the registry's port.
  const hasTag = colon > named.lastIndexOf('/')
  const tag = hasTag ? named.slice(colon + 1) : undefined
  const repository = hasTag ? named.slice(0, colon) : named
  const slash = repository.indexOf('/')
  const first = slash < 0 ? '' : repository.slice(0, slash)
  const hasHost = first !== '' && (/[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const bare = hasHost ? repository.slice(slash + 1) : repository
  if (!PATH.test(bare) || bare.length > 255 || (hasHost && !HOST.test(first))) return undefined
  if ((tag !== undefined && !TAG.test(tag)) || (digest !== undefined && !DIGEST.test(digest))) return undefined
  const registry = hasHost ? first : 'docker.io'
  const path = registry === 'docker.io' && !bare.includes('/') ? `library/${bare}` : bare
  return { registry, repository, path, tag, digest }
}
