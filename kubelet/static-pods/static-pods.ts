import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { fullNameOf } from '../pods/pod-kinds.ts'
import type { ManifestSource } from './manifest-source.ts'

/** The pods that this node runs by its own manifests, beside and without an API server. */
export interface StaticPods {
  /** Reads the manifests until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  list(): readonly Pod[]
  /** Every place has been read: what is not in the list is not wanted. */
  readonly isComplete: boolean
  /** Called whenever list or completeness may have changed. Returns the unsubscriber. */
  onChange(listener: () => void): () => void
}

export function staticPods(sources: readonly ManifestSource[], log: Logger): StaticPods {
  const found = new Map<ManifestSource, readonly Pod[]>()
  const listeners = new Set<() => void>()
  const doubles = new Set<string>()
  let pods: readonly Pod[] = []

  /** One pod a name; of two the one that was found first, in the order of the places. */
  function unite(): void {
    const byName = new Map<string, Pod>()
    const all = sources.flatMap((source) => found.get(source) ?? [])
    for (const pod of all) {
      const name = fullNameOf(pod)
      if (!byName.has(name)) byName.set(name, pod)
      else if (!doubles.has(pod.metadata.uid ?? '')) {
        doubles.add(pod.metadata.uid ?? '')
        log.warn('two manifests are of the same name; only one of them runs', { pod: name })
      }
    }
    for (const uid of doubles) if (!all.some(({ metadata }) => metadata.uid === uid)) doubles.delete(uid)
    pods = [...byName.values()]
    for (const listener of listeners) listener()
  }

  return {
    list: () => pods,
    get isComplete() {
      return sources.every((source) => found.has(source))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async run(signal) {
      const follow = (source: ManifestSource) =>
        source.follow((some) => {
          found.set(source, some)
          unite()
        }, signal)
      await Promise.all(sources.map(follow))
    },
  }
}
