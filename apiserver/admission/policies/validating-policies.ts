import { jsonValue } from '../../../shared/cel/json-value.ts'
import { CelError, type Value } from '../../../shared/cel/value.ts'
import { type Reason, reasonCodes } from '../../../shared/errors/reasons.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type { KubeObject } from '../../../shared/objects/object.ts'
import type { ValidatingAdmissionPolicyBinding } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest, AdmissionRule } from '../admission.ts'
import { isHidden } from '../matching/selected.ts'
import { refusal } from '../refuse.ts'
import { conditionsHold, type Failure, failuresOf, PolicyVariables, Spending } from './evaluate.ts'
import { paramsOf } from './params.ts'
import { type Binding, bindingOf, type Policy, policyOf } from './policy.ts'
import { type RequestTools, requestValues } from './request-values.ts'

const API = 'admissionregistration.k8s.io/v1'

/**
 * ValidatingAdmissionPolicy: what is to be stored is held against the policies that a binding puts into force. Policies and bindings are read
 * from the store each time, so one that was acknowledged holds for the next request.
 */
export function validatingPolicies(tools: RequestTools): AdmissionRule {
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      if (!tools.table.ofKind(API, 'ValidatingAdmissionPolicyBinding')) return undefined
      const bindings = request.context.reader.list(API, 'ValidatingAdmissionPolicyBinding')
      return bindings.length === 0 || isHidden(request) ? undefined : holdAgainst(bindings, request, tools)
    },
  }
}

interface Decision extends Failure {
  readonly policy: string
  readonly binding: string
}

/** Asks all of them, as upstream does: who is refused by one is still warned by the others. @throws StatusError of the first that refuses */
async function holdAgainst(
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  request: AdmissionRequest,
  tools: RequestTools,
): Promise<void> {
  const values = new Map<Resource, Map<string, Value>>()
  const spendings = new Map<Policy, Spending>()
  let refused: StatusError | undefined
  for (const stored of bindings) {
    const binding = bindingOf(stored)
    const found = request.context.reader.get(API, 'ValidatingAdmissionPolicy', { name: stored.spec.policyName ?? '' })
    const policy = found && policyOf(found)
    const target = policy?.matching.versionFor(request, tools.table)
    if (!policy || !target || (binding.matching && !binding.matching.versionFor(request, tools.table))) continue
    const known = values.get(target) ?? (await requestValues(request, target, tools))
    values.set(target, known)
    const spending = spendings.get(policy) ?? new Spending()
    spendings.set(policy, spending)
    for (const failure of decide(policy, binding, known, { request, tools, spending })) {
      const decision = { ...failure, policy: policy.stored.metadata.name ?? '', binding: stored.metadata.name ?? '' }
      if (binding.actions.has('Warn')) warn(decision, request)
      if (binding.actions.has('Deny')) refused ??= refusalOf(decision, request)
      // What Audit says would be in an audit log, which there is none of.
    }
  }
  if (refused) throw refused
}

interface Asked {
  readonly request: AdmissionRequest
  readonly tools: RequestTools
  readonly spending: Spending
}

/** What of a policy does not hold, of a binding, for all its parameters. Failures of the policy itself count only where it says so. */
function decide(policy: Policy, { stored }: Binding, values: ReadonlyMap<string, Value>, asked: Asked): readonly Failure[] {
  const { spec } = policy.stored
  const { request, tools, spending } = asked
  const isFailing = spec.failurePolicy !== 'Ignore'
  const failed = (message: string): readonly Failure[] => (isFailing ? [{ message, reason: 'Invalid', isError: true }] : [])
  let params: readonly (KubeObject | undefined)[]
  try {
    params = paramsOf(spec.paramKind, stored.spec.paramRef, { ...tools, reader: request.context.reader, namespace: request.namespace })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return failed(`failed to configure binding: ${error.message}`)
  }
  return params.flatMap((param) => {
    const given = new Map(values).set('params', jsonValue(param ?? null))
    const holds = conditionsHold(policy.programs.matchConditions, given, spending)
    if (holds instanceof CelError) return failed(holds.message)
    if (!holds) return []
    given.set('variables', new PolicyVariables(policy.programs.variables, spending, given))
    return failuresOf(policy.programs, spec.validations ?? [], given, spending).filter(({ isError }) => !isError || isFailing)
  })
}

function warn({ policy, binding, message }: Decision, { context }: AdmissionRequest): void {
  context.warn(`Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`)
}

function refusalOf({ policy, binding, message, reason }: Decision, request: AdmissionRequest): StatusError {
  const told = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`
  const known: Reason = isReason(reason) ? reason : 'Invalid'
  const refused = refusal(request, told)
  return new StatusError(known, refused.message, { details: { ...refused.details, causes: [{ message: told }] } })
}

function isReason(reason: string): reason is Reason {
  return Object.hasOwn(reasonCodes, reason)
}
