import type { KubeObject } from '../../shared/objects/object.ts'
import type { JSONSchemaProps } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { ObjectFacts, StoredEntry } from './object-facts.ts'
import type { DecodeOptions } from './schema-check.ts'

/**
 * What a kind that was defined while the server runs does itself, where the compiled schema does it for the others. Each served version has
 * one; all of a kind share a prefix of the store. Answers are promises only where somebody outside converts.
 */
export interface RunTimeShape {
  /** The schema of this version as its definition has it. */
  readonly schema: JSONSchemaProps
  /** A parsed body as an object of this version. It must not be used any more. @throws StatusError BadRequest */
  decode(value: unknown, options: DecodeOptions): KubeObject
  /** Stored entries as this version shows them, in the same order: bytes of this version, the facts they had. The same array where nothing is to be done. */
  shown(entries: readonly StoredEntry[]): readonly StoredEntry[] | Promise<readonly StoredEntry[]>
  /** An object that is stored in whatever version, as this version shows it. */
  shownObject(object: KubeObject): KubeObject | Promise<KubeObject>
  /** An object of this version, or one that is stored in an older form, as it is stored from now on. */
  toStored(object: KubeObject): KubeObject | Promise<KubeObject>
  /** What selection knows of an object in stored form. `isRead`: it was read back from disk, and nobody knows which definition wrote it. */
  factsOf(object: KubeObject, isRead: boolean): ObjectFacts
}
