import type { KubeObject } from '../../../shared/objects/object.ts'
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import type { ObjectReader } from '../../registry/object-reader.ts'
import type { Resource, ResourceTable } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { isHidden } from '../matching/selected.ts'
import { Matching } from './matching.ts'
import { paramsOf } from './params.ts'

export type StoredPolicy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy
export type StoredBinding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding

/** A policy ready to be followed. */
export interface Policy<P, C> {
  readonly stored: P
  readonly matching: Matching
  readonly programs: C
}

/** A policy that is about a request, as one binding puts it into force. */
export interface BoundPolicy<P, B, C> {
  readonly policy: Policy<P, C>
  readonly binding: B
  /** The version in which it sees the request. */
  readonly target: Resource
  /** Its parameters, `undefined` in place of one where it goes without; or why there are none where there must be some. */
  readonly params: readonly (KubeObject | undefined)[] | { readonly problem: string }
}

/** Where policies of one kind are read from, and what is made of their expressions. */
export interface PolicySource<P extends StoredPolicy, B extends StoredBinding, C> {
  readonly bindingKind: B['kind']
  readonly bindings: (reader: ObjectReader) => readonly B[]
  readonly policy: (reader: ObjectReader, name: string) => P | undefined
  readonly compile: (spec: P['spec']) => C
}

/**
 * The policies of one kind. They and their bindings are read from the store each time, so one that was acknowledged holds for the next request.
 * Stored objects are frozen, and others when they have changed: what was compiled goes when they go.
 */
export class BoundPolicies<P extends StoredPolicy, B extends StoredBinding, C> {
  readonly #source: PolicySource<P, B, C>
  readonly #table: ResourceTable
  readonly #policies = new WeakMap<P, Policy<P, C>>()
  readonly #narrowing = new WeakMap<B, Matching>()

  constructor(source: PolicySource<P, B, C>, table: ResourceTable) {
    this.#source = source
    this.#table = table
  }

  /** The bindings that there are, where the request is shown to policies at all. */
  bindingsFor(request: AdmissionRequest): readonly B[] {
    if (!this.#table.ofKind('admissionregistration.k8s.io/v1', this.#source.bindingKind)) return []
    const bindings = this.#source.bindings(request.context.reader)
    return bindings.length === 0 || isHidden(request) ? [] : bindings
  }

  /** Those of the bindings, in their order, that are about the request. @throws StatusError NotFound for a namespace that has gone */
  *about(request: AdmissionRequest, bindings: readonly B[]): Generator<BoundPolicy<P, B, C>> {
    for (const binding of bindings) {
      const stored = this.#source.policy(request.context.reader, binding.spec.policyName ?? '')
      const policy = stored && this.#ready(stored)
      const target = policy?.matching.versionFor(request, this.#table)
      if (policy && target && this.#isWanted(binding, request)) {
        yield { policy, binding, target, params: this.#params(policy.stored, binding, request) }
      }
    }
  }

  #ready(stored: P): Policy<P, C> {
    const known = this.#policies.get(stored)
    if (known) return known
    const made = { stored, matching: new Matching(stored.spec.matchConstraints ?? {}), programs: this.#source.compile(stored.spec) }
    this.#policies.set(stored, made)
    return made
  }

  #isWanted(binding: B, request: AdmissionRequest): boolean {
    const { matchResources } = binding.spec
    if (!matchResources) return true
    const matching = this.#narrowing.get(binding) ?? new Matching(matchResources)
    this.#narrowing.set(binding, matching)
    return matching.versionFor(request, this.#table) !== undefined
  }

  #params({ spec }: P, binding: B, { context, namespace }: AdmissionRequest): BoundPolicy<P, B, C>['params'] {
    try {
      return paramsOf(spec.paramKind, binding.spec.paramRef, { reader: context.reader, table: this.#table, namespace })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return { problem: `failed to configure binding: ${error.message}` }
    }
  }
}
