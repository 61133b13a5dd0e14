import { type PolicyPrograms, policyPrograms } from '../../../shared/cel/policy-programs.ts'
import type {
  MatchResources,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { type LabelSelector, labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import type { Resource, ResourceTable } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { OperationRules } from '../matching/operation-rules.ts'
import { versionFor } from '../webhooks/invocation.ts'

/** Which requests a policy or binding is about. */
export class Matching {
  readonly rules: OperationRules
  readonly excluded: OperationRules
  readonly namespaces: LabelSelector
  readonly objects: LabelSelector
  readonly isExact: boolean

  constructor(match: MatchResources) {
    this.rules = new OperationRules(match.resourceRules?.length ? match.resourceRules : [EVERYTHING])
    this.excluded = new OperationRules(match.excludeResourceRules ?? [])
    this.namespaces = labelSelectorFrom(match.namespaceSelector ?? {})
    this.objects = labelSelectorFrom(match.objectSelector ?? {})
    this.isExact = match.matchPolicy === 'Exact'
  }

  /** The version in which the policy sees the request; undefined: it is not about it. */
  versionFor(request: AdmissionRequest, table: ResourceTable): Resource | undefined {
    const target = versionFor(this, request, table)
    return target && versionFor({ ...this, rules: this.excluded }, request, table) ? undefined : target
  }
}

/** A binding without rules of its own narrows nothing. */
const EVERYTHING = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*', '*/*'], scope: '*' }

/** A policy ready to be followed. */
export interface Policy {
  readonly stored: ValidatingAdmissionPolicy
  readonly matching: Matching
  readonly programs: PolicyPrograms
}

/** A binding ready to be followed. */
export interface Binding {
  readonly stored: ValidatingAdmissionPolicyBinding
  readonly matching: Matching | undefined
  readonly actions: ReadonlySet<string>
}

/** Stored objects are frozen, and others when they have changed: what was compiled goes when they go. */
const policies = new WeakMap<ValidatingAdmissionPolicy, Policy>()
const bindings = new WeakMap<ValidatingAdmissionPolicyBinding, Binding>()

export function policyOf(stored: ValidatingAdmissionPolicy): Policy {
  const known = policies.get(stored)
  if (known) return known
  const made = { stored, matching: new Matching(stored.spec.matchConstraints ?? {}), programs: policyPrograms(stored.spec) }
  policies.set(stored, made)
  return made
}

export function bindingOf(stored: ValidatingAdmissionPolicyBinding): Binding {
  const known = bindings.get(stored)
  if (known) return known
  const { matchResources, validationActions = [] } = stored.spec
  const made = { stored, matching: matchResources && new Matching(matchResources), actions: new Set(validationActions) }
  bindings.set(stored, made)
  return made
}
