import type { MatchResources } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
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
