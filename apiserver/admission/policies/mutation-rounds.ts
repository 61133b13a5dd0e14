import type { MutationPrograms } from '../../../shared/cel/mutation-programs.ts'
import { CelError, type Value } from '../../../shared/cel/value.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'
import type { KubeObject } from '../../../shared/objects/object.ts'
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { compareTexts } from '../../ownership/owner.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest, StrangersTurn } from '../admission.ts'
import { Reinvocation } from '../reinvocation.ts'
import type { BoundPolicies, BoundPolicy, Policy } from './bound-policies.ts'
import { policyValues, Spending, withVariables } from './evaluate.ts'
import { mutateObject } from './mutate-object.ts'
import { type FailedMutation, mutationRefusal } from './mutation-refusal.ts'
import { type RequestTools, requestValues } from './request-values.ts'

type Policies = BoundPolicies<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutationPrograms>
type Bound = BoundPolicy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutationPrograms>

/** Milliseconds after which everybody else has a turn before the next mutation. */
const TURN = 5

/**
 * The mutating policies of one request: in the order of their names, then of their bindings', then of their parameters. In a second round those
 * that have seen the object before somebody else changed it, and wish to, see it once more; nobody is asked there for the first time.
 */
export class MutationRounds {
  readonly #policies: Policies
  readonly #bindings: readonly MutatingAdmissionPolicyBinding[]
  readonly #request: AdmissionRequest
  readonly #tools: RequestTools
  readonly #reinvocation = new Reinvocation<string>()
  /** By the version in which policies see the object, until it changes. */
  readonly #values = new Map<Resource, Map<string, Value>>()
  #turnEnds: number

  constructor(policies: Policies, bindings: readonly MutatingAdmissionPolicyBinding[], request: AdmissionRequest, tools: RequestTools) {
    this.#policies = policies
    this.#bindings = [...bindings].sort((a, b) => compareTexts(a.spec.policyName ?? '', b.spec.policyName ?? ''))
    this.#request = request
    this.#tools = tools
    this.#turnEnds = request.context.clock.monotonic() + TURN
  }

  /** @throws StatusError what the request is refused with, when a policy has failed and may not */
  async first(): Promise<StrangersTurn> {
    const hasChanged = await this.#round(() => true)
    this.#reinvocation.remember(this.#request.object)
    return { hasChanged, again: () => this.#second() }
  }

  async #second(): Promise<void> {
    if (this.#reinvocation.isOther(this.#request.object)) this.#reinvocation.objectChanged()
    this.#values.clear()
    await this.#round((key) => this.#reinvocation.isDue(key))
  }

  /** Whether the object has changed. All policies have their turn although one fails, as upstream. */
  async #round(isWanted: (key: string) => boolean): Promise<boolean> {
    const failures: FailedMutation[] = []
    const spendings = new Map<Policy<MutatingAdmissionPolicy, MutationPrograms>, Spending>()
    let hasChanged = false
    // Which policies are about the request is found out before any of them changes it.
    for (const bound of [...this.#policies.about(this.#request, this.#bindings)]) {
      const { policy, binding, params } = bound
      const fail = (message: string, reason: FailedMutation['reason'] = 'Invalid') => {
        if (policy.stored.spec.failurePolicy === 'Ignore' || failures.length === inputLimits.problems) return
        failures.push({ policy: policy.stored.metadata.name ?? '', binding: binding.metadata.name ?? '', message, reason })
      }
      if ('problem' in params) {
        fail(params.problem, 'Forbidden')
        continue
      }
      const spending = spendings.get(policy) ?? new Spending()
      spendings.set(policy, spending)
      for (const param of params) {
        const key = keyOf(bound, param)
        if (isWanted(key) && (await this.#invoke(bound, key, { param, spending, fail }))) hasChanged = true
      }
    }
    const [failure, ...others] = failures
    if (failure) throw mutationRefusal(this.#request, [failure, ...others])
    return hasChanged
  }

  /** Whether the object has changed. A mutation that fails keeps none of the others of its policy from their turn. */
  async #invoke({ policy, target }: Bound, key: string, { param, spending, fail }: Invoked): Promise<boolean> {
    const { programs } = policy
    const first = policyValues(await this.#shown(target), param, programs, spending)
    if (first instanceof CelError) fail(first.message)
    if (first instanceof CelError || !first) return false
    let given: ReadonlyMap<string, Value> | undefined = first
    let hasChanged = false
    for (const mutation of programs.mutations) {
      if (!this.#request.object) break
      await this.#giveWay()
      given ??= withVariables(await this.#shown(target), param, programs, spending)
      const outcome = await mutateObject({ mutation, given, spending, target }, this.#request, this.#tools)
      if (outcome instanceof CelError) fail(outcome.message)
      if (outcome !== 'changed') continue
      hasChanged = true
      given = undefined
      this.#values.clear()
    }
    if (hasChanged) this.#reinvocation.objectChanged()
    if (policy.stored.spec.reinvocationPolicy === 'IfNeeded') this.#reinvocation.wish(key)
    return hasChanged
  }

  /** Policies of many mutations are bounded by their budgets, which are seconds. */
  async #giveWay(): Promise<void> {
    const { clock } = this.#request.context
    if (clock.monotonic() < this.#turnEnds) return
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#turnEnds = clock.monotonic() + TURN
  }

  async #shown(target: Resource): Promise<Map<string, Value>> {
    const known = this.#values.get(target) ?? (await requestValues(this.#request, target, this.#tools))
    this.#values.set(target, known)
    return known
  }
}

interface Invoked {
  readonly param: KubeObject | undefined
  readonly spending: Spending
  readonly fail: (message: string) => void
}

/** Tells apart the invocations of one request. */
function keyOf({ policy, binding }: Bound, param: KubeObject | undefined): string {
  return JSON.stringify([policy.stored.metadata.name, binding.metadata.name, param?.metadata.namespace, param?.metadata.name])
}
