import type { Route } from './route.ts'

/**
 * The paths of one host. Of those that fit the longest wins, of two of one length the exact one (as Ingress is documented). A look-up costs the
 * request's path once more for each level that prefixes have, however many there are.
 */
export class HostRoutes {
  readonly #exact = new Map<string, Route>()
  /** By the path without its last slash, which prefixes ignore; the root is the empty text. */
  readonly #prefixes = new Map<string, Route>()
  #levels = 0
  /** Where requests go that fit none. */
  fallback: Route | undefined

  /** Answers the route that has the place already. */
  add(route: Route, isExact: boolean): Route | undefined {
    const paths = isExact ? this.#exact : this.#prefixes
    const key = isExact ? route.path : route.path.replace(/\/$/, '')
    const present = paths.get(key)
    if (present) return present
    paths.set(key, route)
    if (!isExact) this.#levels = Math.max(this.#levels, levelsOf(key))
    return undefined
  }

  /** @param path as `comparedPath` gives it */
  find(path: string): Route | undefined {
    const exact = this.#exact.get(path)
    if (exact) return exact
    for (let end = this.#endOfLevels(path); ; end = path.lastIndexOf('/', end - 1)) {
      if (end <= 0) return this.#prefixes.get('')
      const route = this.#prefixes.get(path.slice(0, end))
      if (route) return route
    }
  }

  /** Where the part of a path ends that is as deep as the deepest prefix. */
  #endOfLevels(path: string): number {
    let end = 0
    for (let level = 0; level < this.#levels; level++) {
      const next = path.indexOf('/', end + 1)
      if (next < 0) return path.length
      end = next
    }
    return end
  }
}

function levelsOf(path: string): number {
  return path.split('/').length - 1
}
