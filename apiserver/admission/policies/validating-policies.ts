import { type PolicyPrograms, policyPrograms } from '../../../shared/cel/policy-programs.ts'
import { CelError, type Value } from '../../../shared/cel/value.ts'
import { type Reason, reasonCodes } from '../../../shared/errors/reasons.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest, AdmissionRule } from '../admission.ts'
import { refusal } from '../refuse.ts'
import { BoundPolicies, type BoundPolicy, type Policy } from './bound-policies.ts'
import { policyValues, Spending } from './evaluate.ts'
import { type Failure, failuresOf } from './failed-validations.ts'
import { type NotedFailure, PolicyAnnotations } from './policy-annotations.ts'
import { type RequestTools, requestValues } from './request-values.ts'

const API = 'admissionregistration.k8s.io/v1'

type Bound = BoundPolicy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, PolicyPrograms>

/** ValidatingAdmissionPolicy: what is to be stored is held against the policies that a binding puts into force. */
export function validatingPolicies(tools: RequestTools): AdmissionRule {
  const policies = new BoundPolicies<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, PolicyPrograms>(
    {
      bindingKind: 'ValidatingAdmissionPolicyBinding',
      bindings: (reader) => reader.list(API, 'ValidatingAdmissionPolicyBinding'),
      policy: (reader, name) => reader.get(API, 'ValidatingAdmissionPolicy', { name }),
      compile: policyPrograms,
    },
    tools.table,
  )
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      const bindings = policies.bindingsFor(request)
      return bindings.length === 0 ? undefined : holdAgainst(policies.about(request, bindings), request, tools)
    },
  }
}

interface Decision extends Failure {
  readonly policy: string
  readonly binding: string
}

/** Asks all of them, as upstream does: who is refused by one is still warned by the others. @throws StatusError of the first that refuses */
async function holdAgainst(policies: Iterable<Bound>, request: AdmissionRequest, tools: RequestTools): Promise<void> {
  const values = new Map<Resource, Map<string, Value>>()
  const spendings = new Map<Policy<ValidatingAdmissionPolicy, PolicyPrograms>, Spending>()
  const { audit } = request.context
  const noted = audit && new PolicyAnnotations()
  let refused: StatusError | undefined
  for (const bound of policies) {
    const { policy, binding, target } = bound
    const actions = binding.spec.validationActions ?? []
    const known = values.get(target) ?? (await requestValues(request, target, tools))
    values.set(target, known)
    const spending = spendings.get(policy) ?? new Spending()
    spendings.set(policy, spending)
    for (const failure of decide(bound, known, spending, noted)) {
      const decision = { ...failure, policy: policy.stored.metadata.name ?? '', binding: binding.metadata.name ?? '' }
      if (actions.includes('Warn')) warn(decision, request)
      if (actions.includes('Deny')) refused ??= refusalOf(decision, request)
      if (actions.includes('Audit')) noted?.fail(notedOf(decision, actions))
    }
  }
  if (audit) noted?.publish(audit)
  if (refused) throw refused
}

/** What of a policy does not hold, of a binding, for all its parameters. Failures of the policy itself count only where it says so. */
function decide(
  { policy, params }: Bound,
  values: ReadonlyMap<string, Value>,
  spending: Spending,
  noted: PolicyAnnotations | undefined,
): readonly Failure[] {
  const { spec } = policy.stored
  const isFailing = spec.failurePolicy !== 'Ignore'
  const failed = (message: string): readonly Failure[] => (isFailing ? [{ index: 0, message, reason: 'Invalid', isError: true }] : [])
  if ('problem' in params) return failed(params.problem)
  return params.flatMap((param) => {
    const given = policyValues(values, param, policy.programs, spending)
    if (given instanceof CelError) return failed(given.message)
    if (!given) return []
    const publish = noted && ((key: string, value: string) => noted.add(policy.stored.metadata.name ?? '', key, value))
    return failuresOf(policy.programs, spec.validations ?? [], given, spending, publish).filter(({ isError }) => !isError || isFailing)
  })
}

function notedOf({ message, policy, binding, index }: Decision, validationActions: readonly string[]): NotedFailure {
  return { message, policy, binding, expressionIndex: index, validationActions }
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
