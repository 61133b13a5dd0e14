import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { invalid, type StatusError } from '../../../shared/errors/status-error.ts'
import type { KubeObject } from '../../../shared/objects/object.ts'
import type { ParamKind, ParamRef } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { splitApiVersion } from '../../../shared/openapi/kinds.ts'
import { asKind } from '../../registry/as-kind.ts'
import { sameValue } from '../../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from '../admission.ts'
import type { RequestTools } from './request-values.ts'

const API = 'admissionregistration.k8s.io/v1'

/**
 * A policy shows its parameters to whoever wrote it. So he must be allowed to read them: all objects of the kind that a policy names, those that
 * a binding gives (upstream's strategies of policies and bindings).
 */
export function paramRights(tools: RequestTools): AdmissionRule {
  return {
    name: 'PolicyParamRights',
    validate: (request) => (request.definition.apiVersion === API && request.object ? check(request, tools) : undefined),
  }
}

async function check(request: AdmissionRequest, tools: RequestTools): Promise<void> {
  await checkPolicy(request, tools)
  await checkBinding(request, tools)
}

async function checkPolicy(request: AdmissionRequest, tools: RequestTools): Promise<void> {
  const kind = policyOf(request.object)?.spec.paramKind
  if (!kind || sameValue(kind, policyOf(request.previous)?.spec.paramKind)) return
  if (await mayRead(request, kind, { verb: 'get', namespace: '*', name: '*' }, tools)) return
  const what = `(kind=${kind.kind}, apiVersion=${kind.apiVersion})`
  throw refused(request, 'spec.paramKind', `must have "get" permission on all objects of the referenced paramKind ${what}`)
}

async function checkBinding(request: AdmissionRequest, tools: RequestTools): Promise<void> {
  const binding = bindingOf(request.object)
  const ref = binding?.spec.paramRef
  const before = bindingOf(request.previous)?.spec
  if (!ref || (before?.policyName === binding.spec.policyName && sameValue(ref, before?.paramRef))) return
  const { name = '', namespace = '' }: ParamRef = ref
  const verb = name === '' ? 'list' : 'get'
  if (await mayRead(request, paramKindOf(request), { verb, namespace, name }, tools)) return
  throw refused(request, 'spec.paramRef', `does not have ${JSON.stringify(verb)} permission on the object referenced by paramRef`)
}

/** What the policy of a binding says; undefined where there is none yet. */
function paramKindOf({ object, context: { reader } }: AdmissionRequest): ParamKind | undefined {
  const validating = asKind(object, API, 'ValidatingAdmissionPolicyBinding')
  if (validating) return reader.get(API, 'ValidatingAdmissionPolicy', { name: validating.spec.policyName ?? '' })?.spec.paramKind
  const mutating = asKind(object, API, 'MutatingAdmissionPolicyBinding')
  return mutating && reader.get(API, 'MutatingAdmissionPolicy', { name: mutating.spec.policyName ?? '' })?.spec.paramKind
}

const policyOf = (object: KubeObject | undefined) =>
  asKind(object, API, 'ValidatingAdmissionPolicy') ?? asKind(object, API, 'MutatingAdmissionPolicy')
const bindingOf = (object: KubeObject | undefined) =>
  asKind(object, API, 'ValidatingAdmissionPolicyBinding') ?? asKind(object, API, 'MutatingAdmissionPolicyBinding')

/** Of what is not known everything must be allowed. A no may rest on rights older than those that were acknowledged, and is asked for again. */
async function mayRead(
  { user, context }: AdmissionRequest,
  kind: ParamKind | undefined,
  wanted: { readonly verb: 'get' | 'list'; readonly namespace: string; readonly name: string },
  { authorize, table }: RequestTools,
): Promise<boolean> {
  const { group, version } = kind?.apiVersion ? splitApiVersion(kind.apiVersion) : { group: '*', version: '*' }
  const resource = table.ofKind(kind?.apiVersion ?? '', kind?.kind ?? '')?.plural ?? '*'
  const may = () => authorize({ user, group, version, resource, subresource: '', ...wanted }).decision === 'allow'
  if (may()) return true
  await context.reader.caughtUp()
  return may()
}

function refused({ group, definition, name, user }: AdmissionRequest, path: string, why: string): StatusError {
  return invalid({ group, kind: definition.kind }, name, [fieldProblem.forbidden(path, `user ${JSON.stringify(user.name)} ${why}`)])
}
