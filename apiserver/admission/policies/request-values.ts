import { type AuthorizationAsked, type AuthorizationQuestion, Authorizer, ResourceCheck } from '../../../shared/cel/functions/authorizer.ts'
import { jsonValue } from '../../../shared/cel/json-value.ts'
import { namespaceType, requestType, typeOfSchema } from '../../../shared/cel/schema-types.ts'
import type { CelType } from '../../../shared/cel/type.ts'
import type { Value } from '../../../shared/cel/value.ts'
import type { KubeObject } from '../../../shared/objects/object.ts'
import type { ResourceServices } from '../../registry/define-resource.ts'
import type { Resource, ResourceTable } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { namespaceOf } from '../matching/selected.ts'
import { groupVersionResource, shownKind } from '../matching/shown-kind.ts'
import { spokenOf } from '../webhooks/invocation.ts'
import { shownAs } from '../webhooks/shown-object.ts'

export interface RequestTools {
  readonly table: ResourceTable
  readonly authorize: ResourceServices['authorize']
}

/** What numbers mean in objects of a resource; texts stay texts. */
const types = new WeakMap<Resource, CelType>()

function typeOf(resource: Resource): CelType {
  const known = types.get(resource) ?? typeOfSchema(resource.schema, resource.kind, 'json')
  types.set(resource, known)
  return known
}

/** What expressions may ask of a request, but for parameters and variables; objects in the version that the policy wants. */
export async function requestValues(request: AdmissionRequest, target: Resource, tools: RequestTools): Promise<Map<string, Value>> {
  const spoken = spokenOf(request, tools.table)
  const shown = async (object: KubeObject | undefined) => {
    const json = await shownAs(request, { spoken, target }, object)
    return jsonValue(json, request.subresource === '' || request.subresource === 'status' ? typeOf(target) : undefined)
  }
  // Not `namespaceOf`: a Namespace is in none.
  const name = request.namespace
  const namespace = name === '' ? undefined : request.context.reader.get('v1', 'Namespace', { name })
  const ask = asking(request, tools)
  return new Map<string, Value>([
    ['object', await shown(request.object)],
    ['oldObject', await shown(request.previous)],
    ['request', jsonValue(requestContent(request, spoken, target), requestType)],
    ['namespaceObject', jsonValue(namespace ?? null, namespaceType)],
    ['authorizer', new Authorizer(ask)],
    ['authorizer.requestResource', new ResourceCheck(ask, questionOf(request, target))],
  ])
}

function requestContent(request: AdmissionRequest, spoken: Resource, target: Resource): object {
  const { operation, subresource, name, user, dryRun } = request
  return {
    ...{ kind: shownKind(request, target), resource: groupVersionResource(target), subResource: subresource },
    ...{ requestKind: shownKind(request, spoken), requestResource: groupVersionResource(spoken), requestSubResource: subresource },
    ...{ name, namespace: namespaceOf(request), operation, dryRun },
    userInfo: { username: user.name, uid: user.uid ?? '', groups: user.groups, extra: user.extra ?? {} },
    options: request.options?.() ?? null,
  }
}

function questionOf({ subresource, namespace, name }: AdmissionRequest, { group, plural }: Resource): AuthorizationQuestion {
  return { group, resource: plural, subresource, namespace, name, verb: '' }
}

/** The user of the request asks, or the service account that the expression names. */
function asking({ user }: AdmissionRequest, { authorize }: RequestTools): AuthorizationAsked {
  return ({ serviceAccount, path, ...question }) => {
    const account = serviceAccount && `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`
    const groups = serviceAccount
      ? ['system:serviceaccounts', `system:serviceaccounts:${serviceAccount.namespace}`, 'system:authenticated']
      : []
    const { decision, reason } = authorize({
      ...{ ...question, version: '*', user: account === undefined ? user : { name: account, groups } },
      ...(path === undefined ? {} : { path }),
    })
    return { allowed: decision === 'allow', reason }
  }
}
