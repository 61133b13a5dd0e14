/** Who and what is not asked about, as PodSecurityConfiguration lists it. */
export class Exemptions {
  readonly #users: ReadonlySet<string>
  readonly #namespaces: ReadonlySet<string>
  readonly #runtimeClasses: ReadonlySet<string>

  constructor(listed: {
    readonly usernames?: readonly string[] | undefined
    readonly namespaces?: readonly string[] | undefined
    readonly runtimeClasses?: readonly string[] | undefined
  }) {
    this.#users = new Set(listed.usernames)
    this.#namespaces = new Set(listed.namespaces)
    this.#runtimeClasses = new Set(listed.runtimeClasses)
  }

  hasUser(name: string): boolean {
    return this.#users.has(name)
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }

  /** Of a pod. */
  hasRuntimeClass(name: string | undefined): boolean {
    return name !== undefined && this.#runtimeClasses.has(name)
  }
}
