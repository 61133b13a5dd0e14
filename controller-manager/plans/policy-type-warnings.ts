import { allExpressions, policyPrograms } from '../../shared/cel/policy-programs.ts'
import { typeOfSchema } from '../../shared/cel/schema-types.ts'
import type {
  ExpressionWarning,
  NamedRuleWithOperations,
  ValidatingAdmissionPolicySpec,
} from '../../shared/openapi/generated/admissionregistration-v1.ts'
import { joinApiVersion, type KindFacts, kindOfPlural, schemaOf } from '../../shared/openapi/kinds.ts'

/** Kinds that the expressions of one policy are held against, as upstream's. */
const MOST_KINDS = 10
/** Combinations of rules that are looked at to find them. */
const MOST_LOOKED_AT = 1_000

/**
 * What in a policy's expressions does not fit the kinds that its rules name, in upstream's words: `apps/v1, Kind=Deployment: ERROR: …`.
 * Kinds that a rule names by `*`, and kinds defined at run time, are not looked at.
 */
export function policyTypeWarnings(spec: ValidatingAdmissionPolicySpec): ExpressionWarning[] {
  const warnings = new Map<string, string[]>()
  for (const { apiVersion, kind } of namedKinds(spec.matchConstraints?.resourceRules ?? [])) {
    const schema = schemaOf(apiVersion, kind)
    if (!schema) continue
    for (const { path, compiled } of allExpressions(policyPrograms(spec, typeOfSchema(schema, kind, 'typed')))) {
      if (!('problems' in compiled)) continue
      const told = `${apiVersion}, Kind=${kind}: ${compiled.problems.replace(/^compilation failed: /, '')}`
      warnings.set(path, [...(warnings.get(path) ?? []), told])
    }
  }
  return [...warnings].map(([fieldRef, texts]) => ({ fieldRef, warning: texts.join('\n') }))
}

/** The kinds that rules name one by one, sorted. */
function namedKinds(rules: readonly NamedRuleWithOperations[]): KindFacts[] {
  const found = new Map<string, KindFacts>()
  let looked = 0
  for (const [apiVersion, resource] of namedResources(rules)) {
    if (++looked > MOST_LOOKED_AT) break
    const facts = kindOfPlural(apiVersion, resource)
    if (facts) found.set(`${facts.apiVersion}/${facts.kind}`, facts)
  }
  return [...found.values()].sort((a, b) => (`${a.apiVersion}/${a.kind}` < `${b.apiVersion}/${b.kind}` ? -1 : 1)).slice(0, MOST_KINDS)
}

/** Every combination that rules name, one when it is asked for: the lists of one rule multiply. */
function* namedResources(rules: readonly NamedRuleWithOperations[]): Generator<readonly [apiVersion: string, resource: string]> {
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    for (const group of apiGroups) {
      for (const version of apiVersions) {
        for (const resource of resources) yield [joinApiVersion(group, version), resource]
      }
    }
  }
}
