import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { pathMatches } from './policy-rule.ts'

/** Which of the held rules, one bit each. */
type RuleSet = bigint

/** The words of one part of a rule (verbs, groups, resources, names), by the held rules that allow them. */
class Words {
  readonly #byWord = new Map<string, RuleSet>()

  add(words: readonly string[] | undefined, rule: RuleSet): void {
    for (const word of words ?? []) this.#byWord.set(word, this.of(word) | rule)
  }

  of(word: string): RuleSet {
    return this.#byWord.get(word) ?? 0n
  }
}

/**
 * The parts of `wanted` that no rule of `held` covers, each one verb on one thing; no more of them than `limit`.
 * Words that the same held rules allow are looked at together: the work grows with what is held and with the length of what is wanted,
 * not with the product of its lists.
 */
export function notCovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[], limit = Number.POSITIVE_INFINITY): PolicyRule[] {
  const coverage = new Coverage(held)
  const missing: PolicyRule[] = []
  for (const rule of wanted) {
    for (const single of coverage.missingOf(rule)) {
      missing.push(single)
      if (missing.length >= limit) return missing
    }
  }
  return missing
}

class Coverage {
  readonly #verbs = new Words()
  readonly #groups = new Words()
  readonly #resources = new Words()
  readonly #names = new Words()
  readonly #paths: { readonly pattern: string; readonly rule: RuleSet }[] = []
  /** Held rules that are not bound to names. */
  #nameless: RuleSet = 0n

  constructor(held: readonly PolicyRule[]) {
    for (const [index, { verbs, apiGroups, resources, resourceNames, nonResourceURLs }] of held.entries()) {
      const rule = 1n << BigInt(index)
      this.#verbs.add(verbs, rule)
      this.#groups.add(apiGroups, rule)
      this.#resources.add(resources, rule)
      if (resourceNames?.length) this.#names.add(resourceNames, rule)
      else this.#nameless |= rule
      for (const pattern of nonResourceURLs ?? []) this.#paths.push({ pattern, rule })
    }
  }

  *missingOf(rule: PolicyRule): Generator<PolicyRule> {
    const verbs = alike(rule.verbs, (verb) => this.#verbs.of('*') | this.#verbs.of(verb))
    yield* this.#missingOnResources(rule, verbs)
    const paths = alike(rule.nonResourceURLs, (path) => this.#pathRules(path))
    for (const [verbRules, verbsAlike] of verbs) {
      for (const [pathRules, pathsAlike] of paths) {
        if ((verbRules & pathRules) !== 0n) continue
        for (const verb of verbsAlike) for (const path of pathsAlike) yield { verbs: [verb], nonResourceURLs: [path] }
      }
    }
  }

  *#missingOnResources(rule: PolicyRule, verbs: ReadonlyMap<RuleSet, readonly string[]>): Generator<PolicyRule> {
    const groups = alike(rule.apiGroups, (group) => this.#groups.of('*') | this.#groups.of(group))
    const resources = alike(rule.resources, (resource) => this.#resourceRules(resource))
    const isNamed = !!rule.resourceNames?.length
    const names = isNamed ? alike(rule.resourceNames, (name) => this.#nameless | this.#names.of(name)) : new Map([[this.#nameless, ['']]])
    for (const [verbRules, verbsAlike] of verbs) {
      for (const [groupRules, groupsAlike] of groups) {
        for (const [resourceRules, resourcesAlike] of resources) {
          for (const [nameRules, namesAlike] of names) {
            if ((verbRules & groupRules & resourceRules & nameRules) !== 0n) continue
            for (const verb of verbsAlike) {
              for (const group of groupsAlike) {
                for (const resource of resourcesAlike) {
                  for (const name of namesAlike) {
                    yield { verbs: [verb], apiGroups: [group], resources: [resource], ...(isNamed ? { resourceNames: [name] } : {}) }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  #resourceRules(resource: string): RuleSet {
    const slash = resource.indexOf('/')
    const ofAll = slash < 0 ? 0n : this.#resources.of(`*/${resource.slice(slash + 1)}`)
    return this.#resources.of('*') | this.#resources.of(resource) | ofAll
  }

  #pathRules(path: string): RuleSet {
    let rules = 0n
    for (const { pattern, rule } of this.#paths) if (pathMatches(pattern, path)) rules |= rule
    return rules
  }
}

/** Words filed under the held rules that allow them; each word once. */
function alike(words: readonly string[] | undefined, rulesOf: (word: string) => RuleSet): Map<RuleSet, string[]> {
  const found = new Map<RuleSet, string[]>()
  for (const word of new Set(words)) {
    const rules = rulesOf(word)
    const others = found.get(rules)
    if (others) others.push(word)
    else found.set(rules, [word])
  }
  return found
}
