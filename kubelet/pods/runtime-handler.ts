import type { Reader } from '../../shared/client/client.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'

/**
 * Reads which handler a pod's runtime class names, when its sandbox is made: nearly no pod names one, so nothing is watched. Whether there
 * is such a handler the runtime knows.
 */
export function runtimeHandlerFrom(api: Pick<Reader, 'get'>): (pod: Pod, signal: AbortSignal) => Promise<string | undefined> {
  return async ({ spec }, signal) => {
    const name = spec.runtimeClassName
    if (!name) return undefined
    try {
      return (await api.get('node.k8s.io/v1', 'RuntimeClass', { name }, { signal })).handler
    } catch (error) {
      signal.throwIfAborted()
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`failed to get sandbox runtime: ${why}`, { cause: error })
    }
  }
}
