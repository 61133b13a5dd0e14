import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceDefinitionVersion, JSONSchemaProps } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { DecodeState } from '../../shared/openapi/schema-decoder.ts'
import { type DecodeOptions, reportUnknown, typedObject, unfitting } from '../registry/schema-check.ts'
import { fillIn } from './schema/fill-in.ts'
import { pruneResource } from './schema/prune.ts'
import { type Shape, shapeOf } from './schema/shape.ts'

type JsonObject = Record<string, unknown>

/** One version of a definition as a form that objects are brought into. */
export interface VersionForm {
  readonly apiVersion: string
  readonly kind: string
  readonly schema: JSONSchemaProps
  readonly shape: Shape
  /** A body as an object of this version, pruned and with its defaults. @throws StatusError BadRequest */
  decode(value: unknown, options: DecodeOptions): KubeObject
  /** Brings an object that was stored or converted into this form, in place: prunes, and fills in defaults. */
  settle(object: KubeObject): KubeObject
}

export function versionForm(group: string, kind: string, version: CustomResourceDefinitionVersion): VersionForm {
  const apiVersion = `${group}/${version.name}`
  const schema = version.schema?.openAPIV3Schema ?? { type: 'object' }
  const shape = shapeOf(schema)
  return {
    ...{ apiVersion, kind, schema, shape },
    decode(value, options) {
      const given = typedObject(apiVersion, kind, value)
      const { metadata } = given
      if (metadata !== undefined && metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) {
        throw new StatusError(
          'BadRequest',
          `${kind} in version ${JSON.stringify(version.name)} cannot be handled as a ${kind}: metadata must be an object`,
        )
      }
      const state: DecodeState = { path: [], unknown: options.fieldValidation === 'Ignore' ? undefined : [] }
      const object = complete(given, apiVersion, kind)
      try {
        pruneResource(object, shape, state)
      } catch (error) {
        throw unfitting(apiVersion, kind, error)
      }
      reportUnknown(apiVersion, kind, [...(state.unknown ?? [])].sort(), options)
      fillIn(object, shape)
      return object as unknown as KubeObject
    },
    settle(object) {
      const own = object as unknown as JsonObject
      pruneResource(own, shape, { path: [], unknown: undefined })
      fillIn(own, shape)
      return object
    },
  }
}

/** Type and metadata first, whatever was sent: nothing may come before them that is not escaped (see encode-object.ts). */
function complete(given: JsonObject, apiVersion: string, kind: string): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = given
  return { apiVersion, kind, metadata: metadata ?? {}, ...rest }
}
