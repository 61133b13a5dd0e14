import type { KubeObject } from '../../../shared/objects/object.ts'
import type { AdmissionResponse, AdmissionReview } from '../../../shared/openapi/generated/admission-v1.ts'
import type { Resource } from '../../registry/resource-table.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import type { AdmissionRequest } from '../admission.ts'
import { namespaceOf } from '../matching/selected.ts'
import { groupVersionResource, shownKind } from '../matching/shown-kind.ts'
import type { ReviewVersion } from './webhook.ts'

const GROUP = 'admission.k8s.io'
const KIND = 'AdmissionReview'

/** What a webhook is told. */
export interface ReviewContent {
  readonly uid: string
  readonly request: AdmissionRequest
  readonly spoken: Resource
  /** The version in which it sees the objects. */
  readonly target: Resource
  /** The objects as JSON; `null` where there is none. */
  readonly object: string
  readonly oldObject: string
  readonly version: ReviewVersion
}

/** The body of the question. */
export function reviewText(content: ReviewContent): string {
  const { uid, request, spoken, target, object, oldObject, version } = content
  const { operation, subresource, name, user, dryRun } = request
  const namespace = namespaceOf(request)
  const head = JSON.stringify({
    ...{ uid, kind: shownKind(request, target), resource: groupVersionResource(target) },
    ...{ requestKind: shownKind(request, spoken), requestResource: groupVersionResource(spoken) },
    ...(subresource ? { subResource: subresource, requestSubResource: subresource } : {}),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    ...{ operation, dryRun, options: request.options?.() ?? null },
    userInfo: { username: user.name, uid: user.uid, groups: user.groups, extra: user.extra },
  })
  return `{"kind":"${KIND}","apiVersion":"${GROUP}/${version}","request":${head.slice(0, -1)},"object":${object},"oldObject":${oldObject}}}`
}

/**
 * What a webhook answered, if it is an answer to this question, in upstream's words. Older reviews need not repeat their uid.
 * @throws Error
 */
export function responseOf(answer: unknown, uid: string, version: ReviewVersion, isMutating: boolean): AdmissionResponse {
  const given = typeof answer === 'object' && answer !== null ? (answer as { apiVersion?: unknown; kind?: unknown }) : {}
  const wanted = `${GROUP}/${version}, Kind=${KIND}`
  const isOld = version === 'v1beta1'
  if (given.apiVersion !== `${GROUP}/${version}` || given.kind !== KIND) {
    const said = `${String(given.apiVersion ?? '').slice(0, 200)}, Kind=${String(given.kind ?? '').slice(0, 200)}`
    if (!isOld || given.apiVersion || given.kind) throw new Error(`expected webhook response of ${wanted}, got ${said}`)
  }
  // The two versions have the same fields.
  const decoded = decodeObject(`${GROUP}/v1`, KIND, { ...given, apiVersion: `${GROUP}/v1`, kind: KIND }, { fieldValidation: 'Ignore' })
  const { response } = decoded as KubeObject & Pick<AdmissionReview, 'response'>
  if (!response) throw new Error('webhook response was absent')
  if (isOld) return response
  if (response.uid !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid)}`)
  if (isMutating) checkPatch(response)
  return response
}

function checkPatch({ patch, patchType }: AdmissionResponse): void {
  if (patch && !patchType) throw new Error('webhook returned response.patch but not response.patchType')
  if (patch && patchType !== 'JSONPatch') throw new Error(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`)
  if (!patch && patchType) throw new Error('webhook returned response.patchType but not response.patch')
}
