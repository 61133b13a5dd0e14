import type { KubeObject } from '../../../shared/objects/object.ts'
import { schemaOf, splitApiVersion } from '../../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../../shared/openapi/schema.ts'
import { withWrittenFields } from '../../ownership/packed-fields.ts'
import type { Resource } from '../../registry/resource-table.ts'
import { type Scale, scaleOf } from '../../registry/scale.ts'
import { decodeAs, decodeObject, type FieldValidation } from '../../registry/schema-check.ts'
import { asServed, asStored } from '../../registry/versions.ts'
import type { AdmissionRequest } from '../admission.ts'

/** The resource as the client spoke of it, and as a webhook wants to see it. */
export interface Versions {
  readonly spoken: Resource
  readonly target: Resource
}

/** A state of the object of a request, as webhooks that asked for a version see it: a Scale where it is about that, the body of an action as it is. */
export async function shownAs(request: AdmissionRequest, versions: Versions, state: KubeObject | undefined): Promise<object | null> {
  const { spoken, target } = versions
  if (!state) return null
  const object = withWrittenFields(state)
  if (isScale(request)) return scaleOf(spoken, object)
  if (request.operation === 'CONNECT') return withoutMetadata(object)
  return isOfResource(request, object) ? converted(target, object) : object
}

/** What describes that; undefined where nothing does. */
export function schemaShown(request: AdmissionRequest, target: Resource): SchemaNode | undefined {
  if (isScale(request)) return schemaOf('autoscaling/v1', 'Scale')
  const { object } = request
  return !object || isOfResource(request, object) ? target.schema : schemaOf(object.apiVersion, object.kind)
}

/** Between versions of a kind; admission has objects in the stored version, of kinds that were defined at run time in the spoken one. */
function converted(target: Resource, object: KubeObject): KubeObject | Promise<KubeObject> {
  if (!target.custom) return asServed(target, object)
  return target.apiVersion === object.apiVersion ? object : target.custom.shownObject(structuredClone(object))
}

/**
 * Takes what strangers made of the shown object into the object of the request: decoded by its schema, in the version that admission has, with
 * defaults and the identity that it had.
 * @param fieldValidation of what kinds of the release do not know; custom kinds drop it
 * @throws StatusError BadRequest for what is no such object any more
 */
export async function takeBack(
  request: AdmissionRequest,
  { spoken, target }: Versions,
  patched: unknown,
  fieldValidation: FieldValidation = 'Ignore',
): Promise<void> {
  const object = request.object!
  const { hooks } = request.definition
  const options = { fieldValidation } as const
  if (isScale(request)) {
    const scale = decodeObject('autoscaling/v1', 'Scale', patched, options) as Scale
    return hooks.scale!.setSpecReplicas(object, scale.spec.replicas ?? 0)
  }
  if (!isOfResource(request, object)) {
    return replaceContent(object, withIdentityOf(object, decodeObject(object.apiVersion, object.kind, patched, options)))
  }
  const decoded = decodeAs(target, patched, target.custom ? { fieldValidation: 'Ignore' } : options)
  const next = target.custom ? await converted(spoken, decoded) : asStored(target, decoded)
  replaceContent(object, withIdentityOf(object, next))
  hooks.applyDefaults?.(object, request.context)
}

/** Options of connections have none. */
function withoutMetadata({ metadata, ...options }: KubeObject): object {
  return options
}

const isScale = ({ subresource }: AdmissionRequest) => subresource === 'scale'

/** Not so: bodies of actions, options of connections. */
function isOfResource({ definition }: AdmissionRequest, { apiVersion, kind }: KubeObject): boolean {
  return kind === definition.kind && splitApiVersion(apiVersion).group === splitApiVersion(definition.apiVersion).group
}

/** What the server has written into the metadata is not for webhooks to say. */
function withIdentityOf(object: KubeObject, next: KubeObject): KubeObject {
  const {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
    namespace,
    name,
    managedFields,
  } = object.metadata
  const identity = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion, namespace, name }
  const kept = { ...identity, managedFields }
  return { ...next, metadata: { ...next.metadata, ...kept } }
}

function replaceContent(object: KubeObject, next: KubeObject): void {
  for (const key of Object.keys(object)) if (!Object.hasOwn(next, key)) Reflect.deleteProperty(object, key)
  Object.assign(object, next)
}
