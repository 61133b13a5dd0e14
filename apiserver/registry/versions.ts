/**
 * A kind of several versions is stored in one of them. The others exist between the wire and the verbs only, and are made and read here:
 * hooks, admission, selection and tables know the stored version alone.
 */
import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import type { StoredEntry } from './object-facts.ts'
import type { Resource } from './resource-table.ts'
import { decodeObject } from './schema-check.ts'

/** The resource in the version that is stored. */
export function storedVersion(resource: Resource): Resource {
  return resource.further?.stored ?? resource
}

/** A stored object as the version that was asked for shows it; the same object where that is the stored version. */
export function asServed(resource: Resource, object: KubeObject): KubeObject {
  const { further } = resource
  if (!further) return object
  return filled(resource, further.conversion.fromStored(structuredClone(object)))
}

/** The same for bytes, which are passed on untouched where the stored version was asked for. */
export function bytesAsServed(resource: Resource, value: Buffer): Buffer {
  if (!resource.further) return value
  return Buffer.from(writeExactJson(asServed(resource, readExactJson(value.toString()) as KubeObject)))
}

/** An object of the version that was sent in the stored version. @throws StatusError BadRequest for what cannot be said there */
export function asStored(resource: Resource, object: KubeObject): KubeObject {
  const { further } = resource
  return further ? filled(further.stored, further.conversion.toStored(object)) : object
}

/**
 * Stored entries ready for `asServed` and `bytesAsServed`. Those of kinds that were defined at run time are already what the version shows
 * (decision 0029); others are converted when they are rendered.
 */
export function shownEntries(
  resource: Resource,
  entries: readonly StoredEntry[],
): readonly StoredEntry[] | Promise<readonly StoredEntry[]> {
  return resource.custom ? resource.custom.shown(entries) : entries
}

/** The same for the bytes of one object that was just stored. */
export function shownBytes(resource: Resource, value: Buffer): Buffer | Promise<Buffer> {
  if (!resource.custom) return value
  const object = readExactJson(value.toString()) as KubeObject
  const shown = resource.custom.shownObject(object)
  return shown instanceof Promise ? shown.then(textOf) : textOf(shown)
}

const textOf = (object: KubeObject) => Buffer.from(writeExactJson(object))

/** Conversions say what they know; what each version always writes is its schema's to say. */
function filled({ apiVersion, kind }: Resource, object: KubeObject): KubeObject {
  return decodeObject(apiVersion, kind, { ...object, apiVersion, kind }, { fieldValidation: 'Ignore' })
}
