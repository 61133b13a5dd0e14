import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { conflict, invalid, notFound, StatusError } from '../../../shared/errors/status-error.ts'
import type { BoundObjectReference, TokenRequest } from '../../../shared/openapi/generated/authentication-v1.ts'
import type { ServiceAccount } from '../../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import type { ResourceServices, SubresourceAction, SubresourceCall, TokenIssue } from '../../registry/define-resource.ts'
import { decodeObject } from '../../registry/schema-check.ts'

const DEFAULT_SECONDS = 3600
const SHORTEST_SECONDS = 600
const LONGEST_SECONDS = 2 ** 32

/** `serviceaccounts/token`: signs a token for the account, bound to an object that must exist when one is named. */
export function tokenAction({ tokens }: ResourceServices): SubresourceAction<ServiceAccount> {
  return {
    kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    async run(call) {
      const request = decodeObject('authentication.k8s.io/v1', 'TokenRequest', call.body, { fieldValidation: 'Ignore' }) as TokenRequest
      const { spec } = request
      const expirationSeconds = spec.expirationSeconds ?? DEFAULT_SECONDS
      const { name = '', namespace = '', uid = '' } = call.parent.metadata
      const problems = [...requestProblems(expirationSeconds)]
      if (problems.length > 0) throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', problems)
      const { token, expires } = await tokens.issue({
        namespace,
        serviceAccount: { name, uid },
        audiences: spec.audiences ?? [],
        expirationSeconds,
        ...(spec.boundObjectRef ? boundTo(spec.boundObjectRef, call) : {}),
      })
      return {
        ...request,
        metadata: { name, namespace, creationTimestamp: timestamp(call.context.clock.now()) },
        spec: { ...spec, expirationSeconds },
        status: { token, expirationTimestamp: timestamp(expires) },
      }
    },
  }
}

function* requestProblems(seconds: number): Generator<FieldProblem> {
  const path = 'spec.expirationSeconds'
  if (seconds < SHORTEST_SECONDS) yield fieldProblem.invalid(path, seconds, 'may not specify a duration less than 10 minutes')
  if (seconds > LONGEST_SECONDS) yield fieldProblem.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')
}

type Bound = Pick<TokenIssue, 'boundObject' | 'node'>

/** @throws StatusError NotFound, Conflict, BadRequest */
function boundTo(reference: BoundObjectReference, { parent, context: { reader } }: SubresourceCall<ServiceAccount>): Bound {
  const { kind, apiVersion, name = '', uid } = reference
  const { namespace } = parent.metadata
  if (apiVersion !== 'v1' || (kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node')) {
    throw new StatusError('BadRequest', `cannot bind token to object of type ${apiVersion}, Kind=${kind}`)
  }
  const resource = { group: '', resource: `${kind.toLowerCase()}s` }
  const place = kind === 'Node' ? { name } : { namespace, name }
  const pod = kind === 'Pod' ? reader.get('v1', 'Pod', place) : undefined
  const object =
    pod ?? (kind === 'Node' ? reader.get('v1', 'Node', place) : kind === 'Secret' ? reader.get('v1', 'Secret', place) : undefined)
  if (!object) throw notFound(resource, name)
  const actual = object.metadata.uid ?? ''
  if (uid && uid !== actual) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflict(resource, name, why)
  }
  if (pod && pod.spec.serviceAccountName !== parent.metadata.name) {
    const why = `cannot bind token for serviceaccount ${JSON.stringify(parent.metadata.name)} to pod running with different serviceaccount name.`
    throw new StatusError('BadRequest', why)
  }
  const node = pod?.spec.nodeName ? reader.get('v1', 'Node', { name: pod.spec.nodeName }) : undefined
  return {
    boundObject: { kind, name, uid: actual },
    ...(node ? { node: { name: node.metadata.name ?? '', uid: node.metadata.uid ?? '' } } : {}),
  }
}
