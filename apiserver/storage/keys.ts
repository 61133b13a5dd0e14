/** Where one object lives in the store. `namespace` is undefined for cluster-scoped kinds. */
export interface ObjectKey {
  /** API group; the empty text for the core group. */
  readonly group: string
  /** Lower-case plural, e.g. `pods`. */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name: string
}

/** How the empty API group is written in keys: a key has no empty segment. */
const CORE = 'core'

/**
 * `core/pods/default/web-1`, `apps/deployments/default/web`, `core/nodes/node-1`.
 * @throws TypeError for a part that is empty, holds a slash or is no valid Unicode: such a name was never validated.
 */
export function keyOf({ group, resource, namespace, name }: ObjectKey): string {
  return `${prefixOf(group, resource, namespace)}${segment(name, 'name')}`
}

/** The prefix of every key of a resource, or of its part in one namespace; ends with a slash. */
export function prefixOf(group: string, resource: string, namespace?: string): string {
  const all = `${segment(group === '' ? CORE : group, 'group')}/${segment(resource, 'resource')}/`
  return namespace === undefined ? all : `${all}${segment(namespace, 'namespace')}/`
}

/** The reverse of `keyOf`. @throws TypeError for text that is no key. */
export function parseKey(key: string): ObjectKey {
  const parts = key.split('/')
  const [group, resource, third, fourth] = parts
  if (parts.length < 3 || parts.length > 4 || parts.includes('')) throw new TypeError(`not a storage key: ${JSON.stringify(key)}`)
  const where = { group: group === CORE ? '' : group!, resource: resource! }
  return fourth === undefined ? { ...where, name: third! } : { ...where, namespace: third!, name: fourth }
}

/** `core/pods/` of `core/pods/default/web-1`: what the present is bucketed by. @throws TypeError for text that is no key. */
export function resourcePrefix(key: string): string {
  const first = key.indexOf('/')
  const second = key.indexOf('/', first + 1)
  if (first < 1 || second < first + 2 || second === key.length - 1) throw new TypeError(`not a storage key: ${JSON.stringify(key)}`)
  return key.slice(0, second + 1)
}

/** Half a surrogate pair would be stored as another sign, the same for all of them: two keys would become one. */
function segment(text: string, what: string): string {
  if (text === '' || text.includes('/') || !text.isWellFormed())
    throw new TypeError(`${what} cannot be part of a storage key: ${JSON.stringify(text)}`)
  return text
}
