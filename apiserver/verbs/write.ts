import { fieldProblem } from '../../shared/errors/field-error.ts'
import { hasReason, invalid, StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { parseJson } from '../http/body.ts'
import { unsupportedMediaType } from '../http/body-error.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import { withWrittenFields } from '../ownership/packed-fields.ts'
import { applyPatch, patchTypes } from '../patch/apply-patch.ts'
import { type Scale, scaleOf } from '../registry/scale.ts'
import { type Decodable, decodeAs, type FieldValidation } from '../registry/schema-check.ts'
import type { UpdatePart } from '../registry/update-part.ts'
import { asServed, asStored } from '../registry/versions.ts'
import { APPLY_TYPE, apply, refuseForce } from './apply.ts'
import {
  answerScale,
  answerStored,
  BODY_LIMIT,
  type Call,
  fieldValidationOf,
  headerOf,
  readObject,
  readStored,
  type VerbTools,
  writeRequestOf,
} from './call.ts'

const SCALE = { apiVersion: 'autoscaling/v1', kind: 'Scale', definition: 'io.k8s.api.autoscaling.v1.Scale' }

/** 201 400 403 409 415 422 */
export async function create(call: Call, tools: VerbTools): Promise<void> {
  const { info } = call
  const object = await readStored(call)
  // The name in the URL of a create is that of the parent, which only sub-resources have.
  if (info.name !== '')
    throw new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} })
  const { value } = await tools.writer.create(writeRequestOf(call), object)
  return answerStored(call, 201, value, tools.clock.now())
}

/** 200 201 400 403 404 409 415 422 */
export async function update(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource } = call
  const request = writeRequestOf(call)
  if (info.subresource === 'scale') {
    const wanted = (await readObject(call, SCALE)) as Scale
    const { value } = await tools.writer.update(request, { kind: 'main' }, (previous) => scaled(call, previous, wanted))
    return answerScale(call, JSON.parse(value.toString()) as KubeObject, tools.clock.now())
  }
  const object = await readStored(call)
  checkName(object, info.name)
  // An attempt edits its object, so another one reads the body anew.
  const again = () => {
    call.warnings.length = 0
    return readStored(call)
  }
  let isFirst = true
  const fresh = () => {
    if (!isFirst) return again()
    isFirst = false
    return object
  }
  try {
    const isConditional = !!object.metadata.resourceVersion
    const { value } = await tools.writer.update({ ...request, isConditional }, partOf(call), fresh)
    return answerStored(call, 200, value, tools.clock.now())
  } catch (error) {
    const creates = resource.definition.hooks.createsOnUpdate && info.subresource === '' && hasReason(error, 'NotFound')
    if (!creates || object.metadata.resourceVersion) throw error
  }
  const { group, version, resource: plural, namespace, name, subresource } = info
  tools.require({ user: call.user, verb: 'create', group, version, resource: plural, namespace, name, subresource })
  const { value } = await tools.writer.create(request, await again())
  return answerStored(call, 201, value, tools.clock.now())
}

/** 200 201 400 403 404 409 415 422 */
export async function patch(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource } = call
  const contentType = headerOf(call.request, 'content-type')
  const mediaType = mediaTypeOf(contentType)
  if (!patchTypes.includes(mediaType)) throw unsupportedMediaType(patchTypes)
  if (mediaType === APPLY_TYPE) return apply(call, info.subresource === 'scale' ? { kind: 'main' } : partOf(call), tools)
  refuseForce(info.query)
  const fieldValidation = fieldValidationOf(info.query)
  const request = writeRequestOf(call)
  const bytes = await call.request.readBody(BODY_LIMIT)
  const { value: change, duplicates } = parseJson(bytes, 'patch', resource.custom !== undefined)
  call.reply.audit?.sent(change)
  const looksAtOwners = bytes.includes('managedFields') || bytes.includes('"/metadata"')
  const decode = (of: Decodable, raw: unknown) => {
    // Warnings of an attempt that lost its race are not repeated.
    call.warnings.length = 0
    return decodePatched(of, raw, fieldValidation, duplicates, call.warnings)
  }
  if (info.subresource === 'scale') {
    const scaleChange = (previous: KubeObject) => {
      const raw = applyPatch(mediaType, scaleOf(resource, previous), change, SCALE.definition)
      return scaled(call, previous, decode(SCALE, raw) as Scale)
    }
    const { value } = await tools.writer.update(request, { kind: 'main' }, scaleChange)
    return answerScale(call, JSON.parse(value.toString()) as KubeObject, tools.clock.now())
  }
  const { value } = await tools.writer.update(request, partOf(call), (previous) => {
    const served = asServed(resource, previous)
    const patched = applyPatch(mediaType, looksAtOwners ? withWrittenFields(served) : served, change, resource.facts.definition)
    const next = asStored(resource, decode(resource, patched))
    checkName(next, info.name)
    return next
  })
  return answerStored(call, 200, value, tools.clock.now())
}

function decodePatched(
  of: Decodable,
  raw: unknown,
  fieldValidation: FieldValidation,
  duplicates: readonly string[],
  warnings: string[],
): KubeObject {
  try {
    return decodeAs(of, raw, { fieldValidation, duplicates, warn: (sentence) => warnings.push(sentence) })
  } catch (error) {
    // What a patch makes of a good object is unprocessable, not unreadable.
    if (!hasReason(error, 'BadRequest') || !error.message.includes('strict decoding error')) throw error
    throw invalid({ group: '', kind: of.kind }, '', [fieldProblem.invalid('patch', null, error.message)])
  }
}

function partOf({ info, resource }: Call): UpdatePart {
  if (info.subresource === '') return { kind: 'main' }
  if (resource.subresources.get(info.subresource)!.how === 'status') return { kind: 'status' }
  return { kind: 'view', name: info.subresource }
}

function checkName(object: KubeObject, name: string): void {
  const own = object.metadata.name
  if (!own) throw new StatusError('BadRequest', 'name must be provided')
  if (own !== name) throw new StatusError('BadRequest', `the name of the object (${own}) does not match the name on the URL (${name})`)
}

function scaled({ resource, info }: Call, previous: KubeObject, wanted: Scale): KubeObject {
  checkName(wanted, info.name)
  const replicas = wanted.spec?.replicas ?? 0
  if (replicas < 0) {
    const problem = fieldProblem.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, info.name, [problem])
  }
  const next = structuredClone(previous)
  resource.definition.hooks.scale!.setSpecReplicas(next, replicas)
  const { resourceVersion, uid } = wanted.metadata
  next.metadata.resourceVersion = resourceVersion
  if (uid) next.metadata.uid = uid
  return next
}
