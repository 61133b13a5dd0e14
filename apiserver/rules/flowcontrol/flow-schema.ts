import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../../shared/openapi/generated/flowcontrol-v1.ts'
import { EXEMPT, mandatorySchemas } from '../../flowcontrol/bootstrap-policy.ts'
import { sameValue } from '../../registry/same-value.ts'
import { labelNameRule, subdomainNameRule } from '../metadata/names.ts'

const LAST_PRECEDENCE = 10_000
const distinguishers = ['ByNamespace', 'ByUser']
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

/** Rules of a FlowSchema, in upstream's words. */
export function* flowSchemaProblems({ metadata, spec }: FlowSchema): Generator<FieldProblem> {
  const name = metadata.name ?? ''
  const precedence = spec.matchingPrecedence
  const invalidPrecedence = (detail: string) => fieldProblem.invalid('spec.matchingPrecedence', precedence, detail)
  if (precedence <= 0) yield invalidPrecedence('must be a positive value')
  if (precedence > LAST_PRECEDENCE) yield invalidPrecedence(`must not be greater than ${LAST_PRECEDENCE}`)
  if (precedence === 1 && name !== EXEMPT) yield invalidPrecedence("only the schema named 'exempt' may have matchingPrecedence 1")
  const method = spec.distinguisherMethod
  if (method && !distinguishers.includes(method.type)) {
    yield fieldProblem.notSupported('spec.distinguisherMethod.type', method.type, distinguishers)
  }
  const level = spec.priorityLevelConfiguration.name
  const path = 'spec.priorityLevelConfiguration.name'
  if (!level) yield fieldProblem.required(path, 'must reference a priority level')
  else {
    const wrong = subdomainNameRule(level)
    if (wrong) yield fieldProblem.invalid(path, level, wrong)
  }
  for (const [index, rule] of (spec.rules ?? []).entries()) yield* ruleProblems(rule, `spec.rules[${index}]`)
  const fixed = mandatorySchemas.find((each) => each.name === name)
  if (fixed && !sameValue(spec, fixed.spec)) yield fieldProblem.invalid('spec', spec, `spec of '${name}' must equal the fixed value`)
}

function* ruleProblems({ subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, path: string) {
  if (subjects.length === 0) yield fieldProblem.required(`${path}.subjects`, 'subjects must contain at least one value')
  for (const [index, subject] of subjects.entries()) yield* subjectProblems(subject, `${path}.subjects[${index}]`)
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    yield fieldProblem.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty')
  }
  for (const [index, rule] of resourceRules.entries()) yield* resourceRuleProblems(rule, `${path}.resourceRules[${index}]`)
  for (const [index, rule] of nonResourceRules.entries()) yield* pathRuleProblems(rule, `${path}.nonResourceRules[${index}]`)
}

const partOfKind = { User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const

function* subjectProblems(subject: Subject, path: string): Generator<FieldProblem> {
  const { kind } = subject
  if (kind !== 'User' && kind !== 'Group' && kind !== 'ServiceAccount') {
    yield fieldProblem.notSupported(`${path}.kind`, kind, Object.keys(partOfKind).sort())
    return
  }
  for (const [other, part] of Object.entries(partOfKind)) {
    if (other !== kind && subject[part])
      yield fieldProblem.forbidden(`${path}.${part}`, `${part} is forbidden when subject kind is not '${other}'`)
  }
  const part = partOfKind[kind]
  const named = subject[part]
  if (!named) {
    yield fieldProblem.required(`${path}.${part}`, `${part} is required when subject kind is '${kind}'`)
    return
  }
  if (!named.name) yield fieldProblem.required(`${path}.${part}.name`)
  if (kind === 'ServiceAccount' && subject.serviceAccount) yield* accountProblems(subject.serviceAccount, `${path}.${part}`)
}

function* accountProblems({ namespace, name }: NonNullable<Subject['serviceAccount']>, path: string): Generator<FieldProblem> {
  const wrongName = name && name !== '*' ? subdomainNameRule(name) : undefined
  if (wrongName) yield fieldProblem.invalid(`${path}.name`, name, wrongName)
  if (!namespace) yield fieldProblem.required(`${path}.namespace`, 'must specify namespace for service account')
  else {
    const wrong = labelNameRule(namespace)
    if (wrong) yield fieldProblem.invalid(`${path}.namespace`, namespace, wrong)
  }
}

function* verbProblems(given: readonly string[], path: string): Generator<FieldProblem> {
  if (given.length === 0) yield fieldProblem.required(`${path}.verbs`, 'verbs must contain at least one value')
  else if (given.includes('*')) yield* aloneProblem(given, `${path}.verbs`, 'verbs')
  else if (given.some((verb) => !verbs.includes(verb))) yield fieldProblem.notSupported(`${path}.verbs`, given, verbs)
}

/** `*` says everything there is to say. */
function* aloneProblem(given: readonly string[], path: string, what: string): Generator<FieldProblem> {
  if (given.length > 1 && given.includes('*')) yield fieldProblem.invalid(path, given, `if '*' is present, must not specify other ${what}`)
}

function* resourceRuleProblems(rule: ResourcePolicyRule, path: string): Generator<FieldProblem> {
  yield* verbProblems(rule.verbs, path)
  if (rule.apiGroups.length === 0) yield fieldProblem.required(`${path}.apiGroups`, 'resource rules must supply at least one api group')
  yield* aloneProblem(rule.apiGroups, `${path}.apiGroups`, 'api groups')
  if (rule.resources.length === 0) yield fieldProblem.required(`${path}.resources`, 'resource rules must supply at least one resource')
  yield* aloneProblem(rule.resources, `${path}.resources`, 'resources')
  const namespaces = rule.namespaces ?? []
  if (namespaces.length === 0 && !rule.clusterScope) {
    yield fieldProblem.required(`${path}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace')
  }
  if (namespaces.includes('*')) yield* aloneProblem(namespaces, `${path}.namespaces`, 'namespaces')
  else {
    for (const [index, namespace] of namespaces.entries()) {
      const wrong = labelNameRule(namespace)
      const detail = `each member of this list must be '*' or a DNS-1123 label; ${wrong}`
      if (wrong) yield fieldProblem.invalid(`${path}.namespaces[${index}]`, namespace, detail)
    }
  }
}

function* pathRuleProblems(rule: NonResourcePolicyRule, path: string): Generator<FieldProblem> {
  yield* verbProblems(rule.verbs, path)
  const urls = rule.nonResourceURLs
  if (urls.length === 0) yield fieldProblem.required(`${path}.nonResourceURLs`, 'nonResourceURLs must contain at least one value')
  if (urls.includes('*')) yield* aloneProblem(urls, `${path}.nonResourceURLs`, 'non-resource URLs')
  else {
    for (const [index, url] of urls.entries()) {
      const wrong = urlPathProblem(url)
      if (wrong) yield fieldProblem.invalid(`${path}.nonResourceURLs[${index}]`, url, wrong)
    }
  }
}

function urlPathProblem(url: string): string | undefined {
  if (url === '') return 'must not be empty'
  if (url === '/') return undefined
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const star = url.indexOf('*')
  return star >= 0 && (star !== url.length - 1 || !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}
