import type { Cluster } from '../cluster/cluster.ts'
import type { AnyObject } from '../cluster/object.ts'
import { Refusal } from '../cluster/refusal.ts'

/** What is saved: the text that was made of `begun`, as a person has changed it. */
export interface Edited {
  readonly path: string
  readonly text: string
  readonly begun: AnyObject
  readonly isTrial: boolean
}

/** The revision as the text was given it. */
const REVISION = /^( {2}resourceVersion: ).+$/m
const MOST_TRIES = 5

/**
 * Replaces the object. What others change meanwhile is a conflict, but not what the cluster says of it in `status`: the text is then sent as one of the
 * newer revision. @throws Refusal, Lost
 */
export async function saveEdited({ ask }: Pick<Cluster, 'ask'>, { path, text, begun, isTrial }: Edited): Promise<AnyObject> {
  const query = `fieldManager=coxswain-dashboard&fieldValidation=Strict${isTrial ? '&dryRun=All' : ''}`
  let body = text
  for (let tries = 1; ; tries++) {
    try {
      return await ask<AnyObject>(`${path}?${query}`, { method: 'PUT', body, contentType: 'application/yaml' })
    } catch (error) {
      const isConflict = error instanceof Refusal && error.code === 409
      if (!isConflict || tries === MOST_TRIES || !REVISION.test(text)) throw error
      const now = await ask<AnyObject>(path)
      if (wishOf(now) !== wishOf(begun)) throw error
      body = text.replace(REVISION, (_, before: string) => `${before}${JSON.stringify(now.metadata.resourceVersion)}`)
    }
  }
}

/** All of an object but what the cluster says of it. */
function wishOf(object: AnyObject): string {
  const { managedFields: _fields, resourceVersion: _revision, ...metadata } = object.metadata
  return JSON.stringify({ ...object, metadata, status: undefined })
}
