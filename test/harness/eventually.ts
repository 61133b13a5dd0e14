import type { ApiVersion, Client, KindOf, ObjectOf, Selection } from '../../shared/client/client.ts'
import { objectKey } from '../../shared/objects/object.ts'

interface Waiting extends Omit<Selection, 'signal'> {
  /** Real time after which the wait fails with what was last seen; default 30 s. */
  withinMilliseconds?: number
}

/**
 * Waits on a watch until the objects of a kind satisfy the condition, and answers them. For clusters on real time; on virtual time move the
 * clock instead. @throws Error with the last state
 */
export async function eventually<V extends ApiVersion, K extends KindOf<V>>(
  client: Client,
  [v, k]: readonly [V, K],
  condition: (objects: ObjectOf<V, K>[]) => boolean,
  { withinMilliseconds = 30_000, ...selection }: Waiting = {},
): Promise<ObjectOf<V, K>[]> {
  const late = AbortSignal.timeout(withinMilliseconds)
  const seen = new Map<string, ObjectOf<V, K>>()
  try {
    const list = await client.list(v, k, { ...selection, signal: late })
    for (const object of list.items) seen.set(objectKey(object), object)
    let revision = list.metadata.resourceVersion
    for (;;) {
      if (condition([...seen.values()])) return [...seen.values()]
      for await (const { type, object } of client.watch(v, k, { ...selection, resourceVersion: revision, signal: late })) {
        revision = object.metadata.resourceVersion
        if (type === 'DELETED') seen.delete(objectKey(object))
        else if (type !== 'BOOKMARK') seen.set(objectKey(object), object)
        if (condition([...seen.values()])) return [...seen.values()]
      }
      late.throwIfAborted()
    }
  } catch (error) {
    if (!late.aborted) throw error
    const state = JSON.stringify(
      [...seen.values()].map((object) => ({ key: objectKey(object), ...object })),
      undefined,
      1,
    )
    throw new Error(`${k} did not come to the awaited state within ${withinMilliseconds} ms; last seen: ${state.slice(0, 4000)}`, {
      cause: error,
    })
  }
}
