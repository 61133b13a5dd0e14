import { readFileSync } from 'node:fs'

/** What upstream publishes of one role; `core` has become the empty group. */
export interface PublishedRole {
  readonly name: string
  readonly namespace: string
  readonly partOf: string | undefined
  readonly sumOf: string | undefined
  readonly rules: readonly PublishedRule[]
}

export interface PublishedRule {
  readonly verbs: readonly string[]
  readonly groups: readonly string[]
  readonly resources: readonly string[]
  readonly names: readonly string[]
  readonly paths: readonly string[]
}

export interface PublishedBinding {
  readonly name: string
  readonly namespace: string
  readonly role: string
  /** `user:`, `group:` or `account:` and the name; accounts are of kube-system. */
  readonly subjects: readonly string[]
}

/** Reads `test/published/bootstrap-policy.txt`; its head says what a line means. */
export function publishedPolicy(): { roles: readonly PublishedRole[]; bindings: readonly PublishedBinding[] } {
  const roles: (PublishedRole & { rules: PublishedRule[] })[] = []
  const bindings: PublishedBinding[] = []
  for (const line of readFileSync(new URL('../published/bootstrap-policy.txt', import.meta.url), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const role = /^role (?<name>\S+)(?: in (?<namespace>\S+))?(?: sum of (?<sumOf>\S+))?(?: part of (?<partOf>\S+))?$/.exec(line)?.groups
    const binding = /^binding (?<name>\S+)(?: in (?<namespace>\S+))? to (?<role>\S+):(?<subjects>.*)$/.exec(line)?.groups
    if (role) {
      const { name = '', namespace = '', partOf, sumOf } = role
      roles.push({ name, namespace, partOf, sumOf, rules: [] })
    } else if (binding) {
      const { name = '', namespace = '', role: of = '', subjects = '' } = binding
      bindings.push({ name, namespace, role: of, subjects: words(subjects) })
    } else roles.at(-1)?.rules.push(ruleOf(line))
  }
  for (const { name } of roles.filter((role) => role.name.startsWith('system:controller:') && role.namespace === ''))
    bindings.push({ name, namespace: '', role: name, subjects: [`account:${name.slice('system:controller:'.length)}`] })
  return { roles, bindings }
}

/** All rules of a role, those of its parts included. */
export function publishedRules(role: PublishedRole, all: readonly PublishedRole[]): PublishedRule[] {
  const parts = role.sumOf === undefined ? [] : all.filter(({ partOf }) => partOf === role.sumOf)
  return [...role.rules, ...parts.flatMap((part) => publishedRules(part, all))]
}

function ruleOf(line: string): PublishedRule {
  const [verbs = '', second = '', third, names = ''] = line.split(' | ')
  if (third === undefined) return { verbs: words(verbs), groups: [], resources: [], names: [], paths: words(second) }
  const groups = words(second).map((group) => (group === 'core' ? '' : group))
  return { verbs: words(verbs), groups, resources: words(third), names: words(names), paths: [] }
}

const words = (text: string) => text.split(' ').filter((word) => word !== '')
