import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { createInformer } from '../../shared/informer/shared-informers.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { pause } from '../../shared/time/pause.ts'
import { discover, type ServedResource } from './discovery.ts'
import { metadataSource } from './metadata-source.ts'

/** How often new kinds are looked for where nothing says that there are any. Milliseconds. */
const LOOK_AGAIN = 30_000
/** A definition is written several times until its kind is served: one look after it. Milliseconds. */
const SETTLED = 100

const definitions: ServedResource = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions' },
  ...{ namespaced: false, verbs: ['list', 'watch'], isStale: false },
}

/** Tells what is served, whenever a definition of a kind has changed, and from time to time, until the signal aborts. */
export async function followServed(
  tools: ControllerTools,
  signal: AbortSignal,
  tell: (served: readonly ServedResource[]) => void,
): Promise<void> {
  const { client, clock, log } = tools
  let news = new AbortController()
  const informer = createInformer<KubeObject>('definitions of kinds', metadataSource(client, definitions), tools)
  informer.onChange(() => news.abort())
  informer.start(signal)
  while (!signal.aborted) {
    news = new AbortController()
    try {
      tell(await discover(client, signal))
    } catch (error) {
      if (!signal.aborted) log.warn('the served kinds could not be read', { error })
    }
    await pause(clock, LOOK_AGAIN, AbortSignal.any([signal, news.signal]))
    if (news.signal.aborted) await pause(clock, SETTLED, signal)
  }
}
