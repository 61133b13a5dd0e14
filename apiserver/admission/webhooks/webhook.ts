import { type MatchConditionProgram, matchConditionPrograms } from '../../../shared/cel/policy-expression.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { type LabelSelector, labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import type { HookAddress } from '../../connect/hook-client.ts'
import { OperationRules } from '../matching/operation-rules.ts'

export type ReviewVersion = 'v1' | 'v1beta1'

/** One webhook of a configuration, ready to be asked. */
export interface Webhook {
  readonly name: string
  /** Name of the configuration that lists it. */
  readonly configuration: string
  readonly address: HookAddress
  readonly rules: OperationRules
  readonly namespaces: LabelSelector
  readonly objects: LabelSelector
  /** `matchConditions`, compiled. */
  readonly conditions: readonly MatchConditionProgram[]
  /** `matchPolicy: Exact`: only requests in a version that a rule names. */
  readonly isExact: boolean
  /** `failurePolicy: Ignore`. */
  readonly ignoresFailure: boolean
  /** Milliseconds. */
  readonly timeout: number
  /** `reinvocationPolicy: IfNeeded`. */
  readonly isAskedAgain: boolean
  /** The first of its versions of AdmissionReview that this server speaks. */
  readonly review: ReviewVersion
}

/** @throws SelectorError, which validation has ruled out */
export function webhookOf(webhook: ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>, configuration: string): Webhook {
  return {
    configuration,
    name: webhook.name,
    address: webhook.clientConfig,
    rules: new OperationRules(webhook.rules ?? []),
    namespaces: labelSelectorFrom(webhook.namespaceSelector ?? {}),
    objects: labelSelectorFrom(webhook.objectSelector ?? {}),
    conditions: matchConditionPrograms(webhook.matchConditions, 'matchConditions'),
    isExact: webhook.matchPolicy === 'Exact',
    ignoresFailure: webhook.failurePolicy === 'Ignore',
    timeout: (webhook.timeoutSeconds ?? 10) * 1000,
    isAskedAgain: webhook.reinvocationPolicy === 'IfNeeded',
    review: webhook.admissionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1') ?? 'v1',
  }
}
