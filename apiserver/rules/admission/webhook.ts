import { matchConditionPrograms } from '../../../shared/cel/policy-expression.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { oldDnsLabelProblems } from '../metadata/names.ts'
import { operationRuleProblems } from './operation-rule.ts'
import { conditionProblems, expressionProblems } from './policy.ts'
import { webhookAddressProblems } from './webhook-address.ts'

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>

const SIDE_EFFECTS = ['None', 'NoneOnDryRun']
/** Versions of AdmissionReview that are spoken. */
const REVIEW_VERSIONS = ['v1', 'v1beta1']

/** What holds where a webhook does not say. */
export function defaultWebhook(webhook: ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  if (webhook.clientConfig.service) webhook.clientConfig.service.port ??= 443
  for (const rule of webhook.rules ?? []) rule.scope ??= '*'
}

/** The webhooks of a configuration; their names are unique in it. */
export function* webhooksProblems(webhooks: readonly Webhook[]): Generator<FieldProblem> {
  const names = new Set<string>()
  for (const [index, webhook] of webhooks.entries()) {
    const path = `webhooks[${index}]`
    yield* webhookProblems(webhook, path)
    yield* reviewVersionProblems(webhook.admissionReviewVersions ?? [], `${path}.admissionReviewVersions`)
    if (webhook.name && names.has(webhook.name)) yield fieldProblem.duplicate(`${path}.name`, webhook.name)
    names.add(webhook.name)
  }
}

function* webhookProblems(webhook: Webhook, path: string): Generator<FieldProblem> {
  const { failurePolicy, matchPolicy, sideEffects, timeoutSeconds, reinvocationPolicy, matchConditions = [] } = webhook
  yield* nameProblems(webhook.name, `${path}.name`)
  for (const [index, rule] of (webhook.rules ?? []).entries()) yield* operationRuleProblems(rule, `${path}.rules[${index}]`)
  yield* oneOf(failurePolicy, ['Fail', 'Ignore'], `${path}.failurePolicy`)
  yield* oneOf(matchPolicy, ['Equivalent', 'Exact'], `${path}.matchPolicy`)
  if (!sideEffects) yield fieldProblem.required(`${path}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`)
  else yield* oneOf(sideEffects, SIDE_EFFECTS, `${path}.sideEffects`)
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    yield fieldProblem.invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')
  }
  yield* labelSelectorProblems(webhook.namespaceSelector, `${path}.namespaceSelector`)
  yield* labelSelectorProblems(webhook.objectSelector, `${path}.objectSelector`)
  yield* oneOf(reinvocationPolicy, ['IfNeeded', 'Never'], `${path}.reinvocationPolicy`)
  yield* webhookAddressProblems(webhook.clientConfig, `${path}.clientConfig`)
  yield* conditionProblems(matchConditions, `${path}.matchConditions`)
  yield* expressionProblems(matchConditionPrograms(matchConditions, `${path}.matchConditions`))
}

function* nameProblems(name: string, path: string): Generator<FieldProblem> {
  if (!name) {
    yield fieldProblem.required(path)
    return
  }
  const problems = subdomainProblems(name)
  if (problems.length > 0) yield fieldProblem.invalid(path, name, problems.join(','))
  if (name.split('.').length < 3) {
    yield fieldProblem.invalid(path, name, 'should be a domain with at least three segments separated by dots')
  }
}

function* reviewVersionProblems(versions: readonly string[], path: string): Generator<FieldProblem> {
  if (versions.length === 0) {
    yield fieldProblem.required(path, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)
    return
  }
  const seen = new Set<string>()
  for (const [index, version] of versions.entries()) {
    const at = `${path}[${index}]`
    if (seen.has(version)) yield fieldProblem.invalid(at, version, 'duplicate version')
    else for (const problem of oldDnsLabelProblems(version)) yield fieldProblem.invalid(at, version, problem)
    seen.add(version)
  }
  if (!REVIEW_VERSIONS.some((version) => seen.has(version))) {
    yield fieldProblem.invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`)
  }
}

function* oneOf(value: string | undefined, known: readonly string[], path: string): Generator<FieldProblem> {
  if (value !== undefined && !known.includes(value)) yield fieldProblem.notSupported(path, value, known)
}
