import { type FieldProblem, fieldProblem, firstProblems } from '../../shared/errors/field-error.ts'
import { ConfigError } from '../../shared/process/config.ts'
import { type ConfigKind, closedObject, readConfigContent } from '../../shared/process/config-file.ts'
import { subdomainProblems } from '../../shared/selectors/label-syntax.ts'
import { type AuditPolicy, type AuditRule, auditLevels, auditStages, type GroupResources } from './audit-policy.ts'

const texts = { type: ['array', 'null'], items: { type: 'string' } }
const stages = { type: ['array', 'null'], items: { enum: auditStages } }
const yesOrNo = { type: ['boolean', 'null'] }

/** Upstream's `--audit-policy-file`. */
const policyKind: ConfigKind = {
  ...{ apiVersion: 'audit.k8s.io/v1', kind: 'Policy' },
  fields: {
    metadata: { type: ['object', 'null'] },
    omitStages: stages,
    omitManagedFields: yesOrNo,
    rules: {
      type: ['array', 'null'],
      items: closedObject(
        {
          level: { enum: auditLevels },
          ...{ users: texts, userGroups: texts, verbs: texts, namespaces: texts, nonResourceURLs: texts },
          resources: {
            type: ['array', 'null'],
            items: closedObject({ group: { type: ['string', 'null'] }, resources: texts, resourceNames: texts }),
          },
          ...{ omitStages: stages, omitManagedFields: yesOrNo },
        },
        ['level'],
      ),
    },
  },
}

/** What the schema lets through. */
type WrittenPolicy = { readonly [key in keyof AuditPolicy]?: AuditPolicy[key] | null }

export interface AuditPolicyFile {
  readonly policy: AuditPolicy
  /** About what is in the file and nothing acts on. */
  readonly warnings: readonly string[]
}

/** @throws ConfigError that names the file and every wrong field */
export async function readAuditPolicy(file: string): Promise<AuditPolicyFile> {
  const { content, warnings } = await readConfigContent<WrittenPolicy>(file, policyKind)
  const { rules, omitStages, omitManagedFields } = content
  const policy = { rules: rules ?? [], omitStages: omitStages ?? [], omitManagedFields: omitManagedFields ?? false }
  const problems = firstProblems(policyProblems(policy))
  if (problems.length > 0) throw new ConfigError(problems.map(({ path, message }) => `${file}: ${path}: ${message}`).join('\n'))
  return { policy, warnings }
}

/** What upstream refuses besides, under its paths. */
function* policyProblems({ rules }: AuditPolicy): Generator<FieldProblem> {
  if (rules.length === 0) yield fieldProblem.required('rules', 'a policy without rules writes nothing down')
  for (const [index, rule] of rules.entries()) yield* ruleProblems(rule, `rules[${index}]`)
}

function* ruleProblems(rule: AuditRule, path: string): Generator<FieldProblem> {
  const { nonResourceURLs, resources, namespaces } = rule
  for (const [index, url] of (nonResourceURLs ?? []).entries()) yield* urlProblems(url, `${path}.nonResourceURLs[${index}]`)
  for (const [index, listed] of (resources ?? []).entries()) yield* resourceProblems(listed, `${path}.resources[${index}]`)
  if (nonResourceURLs?.length && (resources?.length || namespaces?.length)) {
    const why = 'rules cannot apply to both regular resources and non-resource URLs'
    yield fieldProblem.invalid(`${path}.nonResourceURLs`, nonResourceURLs, why)
  }
}

function* urlProblems(url: string, path: string): Generator<FieldProblem> {
  if (url === '*') return
  if (!url.startsWith('/')) yield fieldProblem.invalid(path, url, "non-resource URL rules must begin with a '/' character")
  if (url.slice(0, -1).includes('*')) {
    yield fieldProblem.invalid(path, url, "non-resource URL wildcards '*' must be the final character of the rule")
  }
}

function* resourceProblems({ group, resources, resourceNames }: GroupResources, path: string): Generator<FieldProblem> {
  const [unreadable] = group ? subdomainProblems(group) : []
  if (unreadable !== undefined) yield fieldProblem.invalid(`${path}.group`, group, unreadable)
  if (resourceNames?.length && !resources?.length) {
    yield fieldProblem.invalid(`${path}.resourceNames`, resourceNames, 'using resourceNames requires at least one resource')
  }
}
