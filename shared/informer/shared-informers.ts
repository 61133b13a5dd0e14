import type { ApiVersion, KindOf, ObjectOf, Selection } from '../client/client.ts'
import type { Logger } from '../logging/logger.ts'
import type { KubeObject } from '../objects/object.ts'
import { orAborted } from '../time/or-aborted.ts'
import type { Informer, Informers, InformerTools, Lookups } from './informer.ts'
import { ObjectCache } from './object-cache.ts'
import { type ReflectorSource, reflect } from './reflector.ts'

type Running<T extends KubeObject> = Informer<T> & {
  name: string
  start(signal: AbortSignal): void
  addLookups(lookups: Lookups<T>): void
}

/** Informers of one process: whoever asks for the same kind and selection gets the same one. */
export function createInformers(tools: InformerTools): Informers {
  const informers = new Map<string, Running<KubeObject>>()
  let started: AbortSignal | undefined
  return {
    of<V extends ApiVersion, K extends KindOf<V>>(
      v: V,
      k: K,
      selection: Omit<Selection, 'signal'> = {},
      lookups: Lookups<ObjectOf<V, K>> = {},
    ): Informer<ObjectOf<V, K>> {
      const { namespace, labelSelector, fieldSelector } = selection
      const name = [`${v}/${k}`, namespace, labelSelector, fieldSelector].filter((part) => part !== undefined).join(' ')
      const key = JSON.stringify([v, k, namespace, labelSelector, fieldSelector])
      // The map holds informers of every kind; the key proves which one this is.
      let informer = informers.get(key) as unknown as Running<ObjectOf<V, K>> | undefined
      if (!informer) {
        const source: ReflectorSource<ObjectOf<V, K>> = {
          list: (options) => tools.client.list(v, k, { ...selection, ...options }),
          watch: (options) => tools.client.watch(v, k, { ...selection, ...options }),
        }
        informer = createInformer(name, source, tools)
        informers.set(key, informer as unknown as Running<KubeObject>)
        if (started) informer.start(started)
      }
      informer.addLookups(lookups)
      return informer
    },
    start(signal) {
      if (started) throw new Error('informers are started once')
      started = signal
      for (const informer of informers.values()) informer.start(signal)
    },
    async whenSynced(signal) {
      const reminder = tools.clock.every(5_000, () => {
        const waitingFor = [...informers.values()].filter((informer) => !informer.synced).map((informer) => informer.name)
        tools.log.info('waiting for caches to fill', { waitingFor })
      })
      try {
        await Promise.all([...informers.values()].map((informer) => informer.whenSynced(signal)))
      } finally {
        reminder.cancel()
      }
    },
  }
}

/** An informer over any source; `createInformers` is the usual way to one. */
export function createInformer<T extends KubeObject>(
  name: string,
  source: ReflectorSource<T>,
  tools: Omit<InformerTools, 'client'>,
): Running<T> {
  const log: Logger = tools.log.child({ informer: name })
  const firstList = Promise.withResolvers<void>()
  let synced = false
  const cache = new ObjectCache<T>(
    () => {
      synced = true
      firstList.resolve()
    },
    (error) => log.error('a listener failed', { error }),
  )
  return {
    name,
    cache,
    get synced() {
      return synced
    },
    get revision() {
      return cache.revision
    },
    onChange: (listener) => cache.onChange(listener),
    addLookups: (lookups) => cache.addLookups(lookups),
    start: (signal) => void reflect(source, cache, { ...tools, log }, signal),
    whenSynced: (signal) => orAborted(firstList.promise, signal),
  }
}
