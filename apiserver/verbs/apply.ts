/** Server-side apply: PATCH with a configuration instead of a change. */
import { fieldProblem } from '../../shared/errors/field-error.ts'
import { conflict, hasReason, invalid, StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { type ParsedBody, parseJson, parseYaml } from '../http/body.ts'
import type { Application } from '../ownership/apply-config.ts'
import { applyObject } from '../ownership/apply-object.ts'
import { applyReplicas } from '../ownership/apply-replicas.ts'
import { emptyOf } from '../ownership/empty-object.ts'
import { FieldSet, fieldSetOf } from '../ownership/field-set.ts'
import { isObject, type JsonObject } from '../patch/json-value.ts'
import type { Resource } from '../registry/resource-table.ts'
import type { UpdatePart } from '../registry/update-part.ts'
import { asServed, asStored } from '../registry/versions.ts'
import type { Written } from '../registry/write-object.ts'
import { answerScale, answerStored, BODY_LIMIT, type Call, type VerbTools, writeRequestOf } from './call.ts'

/** The media type of a configuration. */
export const APPLY_TYPE = 'application/apply-patch+yaml'

/** 200 201 400 403 404 409 422 */
export async function apply(call: Call, part: UpdatePart, tools: VerbTools): Promise<void> {
  const { info, resource } = call
  const written = writeRequestOf(call)
  const force = forceOf(info.query)
  const manager = info.query.get('fieldManager')
  if (!manager) throw wrongOptions([fieldProblem.required('fieldManager', 'is required for apply patch')])
  const config = configOf(parsed(await call.request.readBody(BODY_LIMIT), resource.custom !== undefined), call)
  call.reply.audit?.sent(config)
  const request = { ...written, author: { manager, served: resource, applies: true } }
  const application: Application = {
    ...{ served: resource, config, manager, subresource: info.subresource, force },
    reset: resetBy(part, resource, info.subresource),
    now: tools.clock.now(),
    inVersion: (apiVersion) => tools.objects.inVersion(resource, apiVersion),
  }
  if (info.subresource === 'scale') {
    const { value } = await tools.writer.update(request, { kind: 'main' }, (previous) => applyReplicas(previous, application))
    return answerScale(call, JSON.parse(value.toString()) as KubeObject, tools.clock.now())
  }
  const applied = (live: KubeObject): KubeObject => {
    const object = applyObject(live, application)
    checkName(object, info.name)
    const stored = asStored(resource, object)
    stored.metadata.managedFields = object.metadata.managedFields
    return stored
  }
  const update = () => tools.writer.update(request, part, (previous) => applied(asServed(resource, previous)))
  const create = () => {
    const { group, version, resource: plural, namespace, name, subresource } = info
    tools.require({ user: call.user, verb: 'create', group, version, resource: plural, namespace, name, subresource })
    checkNew(config, call)
    return tools.writer.create({ ...request, name: '' }, applied({ ...emptyOf(resource), metadata: { name } }))
  }
  const { value, created } = info.subresource === '' ? await updateOrCreate(update, create) : await update()
  return answerStored(call, created ? 201 : 200, value, tools.clock.now())
}

/** What is not there is made; who was faster in making it has made what is changed then. */
async function updateOrCreate(update: () => Promise<Written>, create: () => Promise<Written>): Promise<Written> {
  try {
    return await update()
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
  }
  try {
    return await create()
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
    return update()
  }
}

function forceOf(query: URLSearchParams): boolean {
  const force = query.get('force')
  return force === 'true' || force === '1'
}

/** @throws StatusError Invalid for `force` without an apply */
export function refuseForce(query: URLSearchParams): void {
  if (query.size > 0 && query.has('force')) {
    throw wrongOptions([fieldProblem.forbidden('force', 'may not be specified for non-apply patch')])
  }
}

function wrongOptions(problems: Parameters<typeof invalid>[2]): StatusError {
  return invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', problems)
}

/** kubectl sends JSON, which is YAML and costs a tenth as JSON. */
function parsed(bytes: Buffer, keepsLong: boolean): ParsedBody {
  if (bytes[0] === 0x7b) {
    try {
      return parseJson(bytes, 'patch', keepsLong)
    } catch (error) {
      if (!hasReason(error, 'BadRequest')) throw error
      // YAML in braces.
    }
  }
  return parseYaml(bytes, 'patch')
}

function configOf({ value, duplicates }: ParsedBody, { info, resource, warnings }: Call): JsonObject {
  if (!isObject(value)) throw new StatusError('BadRequest', 'error decoding YAML: an applied configuration is an object')
  const expected = info.subresource === 'scale' ? 'autoscaling/v1' : resource.apiVersion
  const { apiVersion = '', metadata } = value
  if (apiVersion !== expected) {
    throw new StatusError(
      'BadRequest',
      `Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, expected: ${expected}`,
    )
  }
  if (isObject(metadata) && metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) {
    throw new StatusError('BadRequest', 'metadata.managedFields must be nil')
  }
  const validation = info.query.get('fieldValidation')
  if (duplicates.length > 0 && validation === 'Strict') {
    throw new StatusError('BadRequest', `error strict decoding YAML: ${duplicates.join(', ')}`)
  }
  if (validation !== 'Ignore') warnings.push(...duplicates)
  return value
}

const status = fieldSetOf([['f:status']])

/** What an apply to a part of the object states in vain, and does not own. */
function resetBy(part: UpdatePart, resource: Resource, subresource: string): FieldSet {
  if (part.kind === 'main') return resource.hasStatus && subresource === '' ? status : FieldSet.empty
  if (part.kind !== 'status') return FieldSet.empty
  const kept = resource.definition.hooks.statusMetadata ?? []
  const others = Array.from(resource.schema.fields.keys()).filter((name) => name !== 'status' && name !== 'metadata')
  const metadata = ['labels', 'annotations', 'finalizers', 'ownerReferences'].filter((name) => !kept.some((each) => each === name))
  return fieldSetOf([...others.map((name) => [`f:${name}`]), ...metadata.map((name) => ['f:metadata', `f:${name}`])])
}

function checkName(object: KubeObject, name: string): void {
  const own = object.metadata.name
  if (own !== name)
    throw new StatusError('BadRequest', `the name of the object (${own ?? ''}) does not match the name on the URL (${name})`)
}

/** A configuration that names what is there names something that is gone. */
function checkNew({ metadata }: JsonObject, { info, resource }: Call): void {
  if (!isObject(metadata)) return
  const { uid, resourceVersion } = metadata
  if (uid) throw conflict(resource.named, info.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: `)
  if (resourceVersion) {
    throw conflict(
      resource.named,
      info.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: `,
    )
  }
}
