import type { NamedRuleWithOperations } from '../../../shared/openapi/generated/admissionregistration-v1.ts'

/** What a rule is held against. */
export interface RuleSubject {
  readonly operation: string
  readonly subresource: string
  /** Of the object; only policies name some. */
  readonly name?: string
  /** The resource in the version that the rule may name. */
  readonly as: { readonly group: string; readonly version: string; readonly plural: string; readonly namespaced: boolean }
}

interface CompiledRule {
  readonly operations: Wanted
  readonly names: Wanted
  readonly groups: Wanted
  readonly versions: Wanted
  readonly resources: readonly { readonly resource: string; readonly subresource: string }[]
  readonly scope: string
}

/** Undefined: everything. */
type Wanted = ReadonlySet<string> | undefined

/** Which requests a webhook or a policy wants to see (`rules`, `resourceRules`): those that one of its rules names. */
export class OperationRules {
  readonly #rules: readonly CompiledRule[]

  constructor(rules: readonly NamedRuleWithOperations[]) {
    this.#rules = rules.map(({ operations = [], apiGroups = [], apiVersions = [], resources = [], resourceNames = [], scope = '*' }) => ({
      ...{ operations: wanted(operations), groups: wanted(apiGroups), versions: wanted(apiVersions), scope },
      names: resourceNames.length === 0 ? undefined : new Set(resourceNames),
      resources: resources.map((text) => {
        const [resource = '', subresource = ''] = text.split('/', 2)
        return { resource, subresource }
      }),
    }))
  }

  match(subject: RuleSubject): boolean {
    return this.#rules.some(
      (rule) => isFor(rule, subject) && isIn(rule.groups, subject.as.group) && isIn(rule.versions, subject.as.version),
    )
  }

  /** Whether only the group or the version keeps it from matching: then another version of the same resource may. */
  mayMatchInOtherVersion(subject: RuleSubject): boolean {
    return this.#rules.some((rule) => isFor(rule, subject))
  }
}

const wanted = (names: readonly string[]): Wanted => (names.includes('*') ? undefined : new Set(names))
const isIn = (names: Wanted, name: string) => names === undefined || names.has(name)

function isFor(rule: CompiledRule, { operation, subresource, name = '', as }: RuleSubject): boolean {
  if (!isIn(rule.operations, operation) || !isIn(rule.names, name)) return false
  if (rule.scope !== '*' && (rule.scope === 'Namespaced') !== as.namespaced) return false
  return rule.resources.some(
    (one) => (one.resource === '*' || one.resource === as.plural) && (one.subresource === '*' || one.subresource === subresource),
  )
}
