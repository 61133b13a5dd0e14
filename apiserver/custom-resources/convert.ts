import type { KubeObject } from '../../shared/objects/object.ts'

/**
 * Turns objects of one kind, in whatever versions they are, into a version (`example.com/v2`); as many, in the same order. Must not share
 * parts with what it was given where it changes them. A promise where somebody outside is asked.
 * @throws StatusError InternalError when the one who converts cannot
 */
export type ConvertObjects = (objects: readonly KubeObject[], apiVersion: string) => readonly KubeObject[] | Promise<readonly KubeObject[]>

/** Strategy `None`: the versions differ in their names, and in what their schemas let through. */
export const convertByName: ConvertObjects = (objects, apiVersion) => objects.map((object) => ({ ...object, apiVersion }))
