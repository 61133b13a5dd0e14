import { StatusError } from '../../../shared/errors/status-error.ts'
import type { PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { ObjectMeta } from '../../../shared/openapi/generated/meta-v1.ts'
import { asKind } from '../../registry/as-kind.ts'
import type { AdmissionRequest, AdmissionRule } from '../admission.ts'
import { refusal } from '../refuse.ts'
import { checksOf } from './checks.ts'
import type { Exemptions } from './exemptions.ts'
import { checkNamespace } from './namespace-labels.ts'
import { podTemplateOf } from './pod-template.ts'
import { type LevelVersion, type Policy, policyOf, shownLevel } from './policy.ts'
import { isSignificant } from './significant-update.ts'

export interface PodSecurityOptions {
  /** What holds where a namespace's labels say nothing. */
  readonly defaults: Policy
  readonly exemptions: Exemptions
}

/** Before what the audit log is told. */
const ANNOTATION = 'pod-security.kubernetes.io/'

/** Subresources of pods that change nothing a check looks at; all others are looked at. */
const HARMLESS = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])

/**
 * The Pod Security Standards: what a namespace's labels (`pod-security.kubernetes.io/enforce` and others) let in. Pods are refused; who makes
 * pods is warned, because it is its pods that will be refused. The labels are read with each request, so they hold for the next one.
 */
export function podSecurity(options: PodSecurityOptions): AdmissionRule {
  return {
    name: 'PodSecurity',
    validate(request) {
      const { operation, object, previous, subresource } = request
      if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return undefined
      const namespace = subresource === '' ? asKind(object, 'v1', 'Namespace') : undefined
      if (namespace) return checkNamespace(request, namespace, asKind(previous, 'v1', 'Namespace'), options)
      const pod = HARMLESS.has(subresource) ? undefined : asKind(object, 'v1', 'Pod')
      if (pod) {
        const old = asKind(previous, 'v1', 'Pod')
        if (!old || isSignificant(pod, old)) judge(request, pod, options)
        return undefined
      }
      const template = subresource === '' ? podTemplateOf(object) : undefined
      if (template) judge(request, template, options)
      return undefined
    },
  }
}

interface PodLike {
  readonly metadata: ObjectMeta
  readonly spec: PodSpec
}

/** Templates are warned of, and let in. @throws StatusError Forbidden for a pod that is not */
function judge(request: AdmissionRequest, { metadata, spec }: PodLike, { defaults, exemptions }: PodSecurityOptions): void {
  const { namespace, user, context, object } = request
  const { audit } = context
  const isPod = asKind(object, 'v1', 'Pod') !== undefined
  const exempt = (by: string) => audit?.annotate(`${ANNOTATION}exempt`, by)
  if (exemptions.hasNamespace(namespace)) return exempt('namespace')
  if (exemptions.hasUser(user.name)) return exempt('user')
  const found = context.reader.get('v1', 'Namespace', { name: namespace })
  if (!found) {
    if (!isPod) return
    throw new StatusError('InternalError', `Internal error occurred: failed to lookup namespace "${namespace}"`)
  }
  const { policy, problems } = policyOf(found.metadata.labels, defaults)
  const { enforce, warn } = policy
  if (exemptions.hasRuntimeClass(spec.runtimeClassName)) return exempt('runtimeClass')
  if (problems.length > 0)
    audit?.annotate(
      `${ANNOTATION}error`,
      `Failed to parse policy: ${problems.map(({ path, message }) => `${path}: ${message}`).join(', ')}`,
    )
  const told = (policy: LevelVersion) => {
    const violations = checksOf(policy)(metadata, spec)
    const list = violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')
    return list === '' ? undefined : `PodSecurity "${shownLevel(policy)}": ${list}`
  }
  if (isPod) audit?.annotate(`${ANNOTATION}enforce-policy`, shownLevel(enforce))
  const refused = isPod ? told(enforce) : undefined
  if (audit) {
    const isJudged = isPod && shownLevel(policy.audit) === shownLevel(enforce)
    const noted = isJudged ? refused : told(policy.audit)
    if (noted) audit.annotate(`${ANNOTATION}audit-violations`, `would violate ${noted}`)
  }
  if (refused) throw refusal(request, `violates ${refused}`)
  const isKnown = isPod && shownLevel(warn) === shownLevel(enforce)
  const warned = isKnown ? undefined : told(warn)
  if (warned) context.warn(`would violate ${warned}`)
}
