import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../shared/openapi/generated/rbac-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { serviceAccountUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import type { ObjectReader } from '../registry/object-reader.ts'

/** Rules that a user holds through one binding. */
export interface Grant {
  readonly rules: readonly PolicyRule[]
  /** The sentence that says why: which binding, of which role, to whom. */
  readonly reason: string
}

type Binding = RoleBinding | ClusterRoleBinding

const API = 'rbac.authorization.k8s.io/v1'

/**
 * All roles and bindings in memory, bindings filed by subject, so that a user's grants cost what the user has and not
 * what the cluster has. `generation` changes with each change of policy: whatever was computed before is stale then.
 */
export class PolicyIndex {
  generation = 0
  readonly #roles = new Map<string, Role>()
  readonly #clusterRoles = new Map<string, ClusterRole>()
  /** Scope (a namespace, or empty for the cluster) → subject → bindings by name. */
  readonly #bindings = new Map<string, Map<string, Map<string, Binding>>>()

  /** Follows the four kinds; answers the unsubscriber. */
  follow(reader: ObjectReader): () => void {
    const keep =
      <T extends Role | ClusterRole>(map: Map<string, T>) =>
      (current: T | undefined, previous: T | undefined) => {
        this.generation++
        if (current) map.set(roleKey(current), current)
        else if (previous) map.delete(roleKey(previous))
      }
    const file = (current: Binding | undefined, previous: Binding | undefined) => {
      this.generation++
      if (previous) this.#unfile(previous)
      if (current) this.#file(current)
    }
    const unfollow = [
      reader.follow(API, 'Role', keep(this.#roles)),
      reader.follow(API, 'ClusterRole', keep(this.#clusterRoles)),
      reader.follow(API, 'RoleBinding', file),
      reader.follow(API, 'ClusterRoleBinding', file),
    ]
    return () => {
      for (const stop of unfollow) stop()
    }
  }

  /** What the user holds in one namespace, or (empty namespace) in the whole cluster; bindings to missing roles are told in `missing`. */
  grantsOf(user: User, namespace: string, missing?: (roleName: string) => void): Grant[] {
    const scope = this.#bindings.get(namespace)
    if (!scope) return []
    const subjects = [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)]
    return subjects.flatMap((subject) =>
      [...(scope.get(subject)?.values() ?? [])].flatMap((binding) => {
        const rules = this.rulesOf(binding.roleRef, namespace)
        if (!rules) missing?.(missingRole(binding.roleRef))
        return rules ? [{ rules, reason: reasonFor(binding, subject) }] : []
      }),
    )
  }

  /** The rules of a role, aggregated ones included; undefined when there is no such role. */
  rulesOf({ kind, name }: { kind: string; name: string }, namespace: string): readonly PolicyRule[] | undefined {
    if (kind === 'Role') return this.#roles.get(`${namespace}/${name}`)?.rules ?? (this.#roles.has(`${namespace}/${name}`) ? [] : undefined)
    const role = this.#clusterRoles.get(name)
    return role && [...(role.rules ?? []), ...this.#aggregatedRules(role)]
  }

  /**
   * The rules of the roles that an aggregated role selects. The controller writes them into the role too; reading them
   * here makes a new aggregated rule count at once, and without that controller.
   */
  #aggregatedRules(role: ClusterRole, seen = new Set([role.metadata.name])): PolicyRule[] {
    return (role.aggregationRule?.clusterRoleSelectors ?? []).flatMap((object) => {
      const selector = labelSelectorFrom(object)
      const selected = [...this.#clusterRoles.values()].filter(
        ({ metadata }) => !seen.has(metadata.name) && selector.matches(metadata.labels),
      )
      return selected.flatMap((each) => {
        seen.add(each.metadata.name)
        return [...(each.rules ?? []), ...this.#aggregatedRules(each, seen)]
      })
    })
  }

  #file(binding: Binding): void {
    const scopeName = binding.metadata.namespace ?? ''
    const scope = this.#bindings.get(scopeName) ?? new Map<string, Map<string, Binding>>()
    this.#bindings.set(scopeName, scope)
    for (const subject of subjectKeys(binding)) {
      const held = scope.get(subject) ?? new Map<string, Binding>()
      scope.set(subject, held.set(binding.metadata.name ?? '', binding))
    }
  }

  #unfile(binding: Binding): void {
    const scopeName = binding.metadata.namespace ?? ''
    const scope = this.#bindings.get(scopeName)
    for (const subject of subjectKeys(binding)) {
      const held = scope?.get(subject)
      held?.delete(binding.metadata.name ?? '')
      if (held?.size === 0) scope?.delete(subject)
    }
    if (scope?.size === 0) this.#bindings.delete(scopeName)
  }
}

function roleKey({ metadata: { namespace, name } }: Role | ClusterRole): string {
  return namespace ? `${namespace}/${name}` : `${name}`
}

function subjectKeys(binding: Binding): string[] {
  return (binding.subjects ?? []).flatMap((subject) => subjectKey(subject, binding.metadata.namespace))
}

function subjectKey({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string[] {
  if (kind === 'User' || kind === 'Group') return [`${kind} ${name}`]
  const home = namespace || bindingNamespace
  return kind === 'ServiceAccount' && home ? [`User ${serviceAccountUser(home, name)}`] : []
}

function missingRole({ kind, name }: { kind: string; name: string }): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`
}

function reasonFor({ kind, metadata, roleRef }: Binding, subject: string): string {
  const [what, ...who] = subject.split(' ')
  const binding = metadata.namespace ? `${metadata.name}/${metadata.namespace}` : `${metadata.name}`
  return `RBAC: allowed by ${kind} ${JSON.stringify(binding)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${what} ${JSON.stringify(who.join(' '))}`
}
