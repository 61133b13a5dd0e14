import { BoundedCache } from '../../shared/limits/bounded-cache.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from './authorizer.ts'

/** All users together. A busy cluster's components ask some hundred questions each. */
const LIMITS = { bytes: 8 * 1024 * 1024, keyCharacters: 1024 }

/**
 * Remembers answers by who asks and what, whatever the object's name, as of one generation of the policy. Verbs, groups, paths and
 * all other parts of a question may be any text (access reviews take them from a body), so each part's length stands in the key: two
 * questions have one key only if they are the same, and what strangers ask takes a bounded number of bytes.
 */
export class VerdictCache<V> {
  readonly #verdicts = new BoundedCache<V>(LIMITS)
  /** Certificates, tokens and sessions keep giving the same User object; who is another object may be somebody else. */
  readonly #users = new WeakMap<User, number>()
  #generation = -1
  #lastUser = 0

  /** What is held now, in bytes. */
  get bytes(): number {
    return this.#verdicts.bytes
  }

  /** The answer as remembered, or as worked out now. `weigh` says how many bytes it keeps besides a small object. */
  recall(attributes: AccessAttributes, generation: number, decide: (attributes: AccessAttributes) => V, weigh: (verdict: V) => number): V {
    if (generation !== this.#generation) {
      this.#verdicts.clear()
      this.#generation = generation
    }
    const key = `${this.#numberOf(attributes.user)}${questionKey(attributes)}`
    const known = this.#verdicts.get(key)
    if (known !== undefined) return known
    const verdict = decide(attributes)
    this.#verdicts.set(key, verdict, weigh(verdict))
    return verdict
  }

  #numberOf(user: User): number {
    const known = this.#users.get(user)
    if (known !== undefined) return known
    this.#users.set(user, ++this.#lastUser)
    return this.#lastUser
  }
}

/** Equal for equal questions only; a name or version makes no other question. */
export function questionKey({ verb, group, resource, subresource, namespace, path }: AccessAttributes): string {
  if (path !== undefined) return `p${verb.length}:${verb}${path}`
  const lengths = `${verb.length},${group.length},${resource.length},${subresource.length}`
  return `r${lengths}:${verb}${group}${resource}${subresource}${namespace}`
}
