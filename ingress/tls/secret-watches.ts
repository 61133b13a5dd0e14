import type { Client } from '../../shared/client/client.ts'
import type { Informer, InformerTools } from '../../shared/informer/informer.ts'
import { createInformer } from '../../shared/informer/shared-informers.ts'
import { parseObjectKey } from '../../shared/objects/object.ts'
import type { Secret } from '../../shared/openapi/generated/core-v1.ts'

interface Watch {
  readonly informer: Informer<Secret>
  readonly ending: AbortController
}

/** Watches single Secrets, those that are wanted now: nobody lets us list them all. */
export class SecretWatches {
  readonly #client: Client
  readonly #tools: Omit<InformerTools, 'client'>
  readonly #onSecret: (key: string, secret: Secret | undefined) => void
  readonly #watches = new Map<string, Watch>()

  /** @param onSecret told of each wanted Secret once it is known, and of its changes; undefined: there is none */
  constructor({ client, ...tools }: InformerTools, onSecret: (key: string, secret: Secret | undefined) => void) {
    this.#client = client
    this.#tools = tools
    this.#onSecret = onSecret
  }

  /** @param wanted by `namespace/name` */
  keep(wanted: ReadonlySet<string>): void {
    for (const [key, { ending }] of this.#watches) {
      if (wanted.has(key)) continue
      ending.abort(new Error('no Ingress names it any more'))
      this.#watches.delete(key)
    }
    for (const key of wanted) if (!this.#watches.has(key)) this.#watch(key)
  }

  /** Resolves when all that are wanted now are known, or the signal aborts. */
  async whenKnown(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#watches.values()].map(({ informer }) => informer.whenSynced(signal).catch(() => undefined)))
  }

  stop(): void {
    this.keep(new Set())
  }

  #watch(key: string): void {
    const { namespace, name } = parseObjectKey(key)
    const selection = { namespace, fieldSelector: `metadata.name=${name}` }
    const source = {
      list: (options: object) => this.#client.list('v1', 'Secret', { ...selection, ...options }),
      watch: (options: object) => this.#client.watch('v1', 'Secret', { ...selection, ...options }),
    }
    const informer = createInformer<Secret>(`v1/Secret ${key}`, source, this.#tools)
    const ending = new AbortController()
    this.#watches.set(key, { informer, ending })
    informer.onChange((_key, current) => {
      if (!ending.signal.aborted) this.#onSecret(key, current)
    })
    informer.start(ending.signal)
    informer.whenSynced(ending.signal).then(
      () => {
        if (informer.cache.size === 0) this.#onSecret(key, undefined)
      },
      () => undefined,
    )
  }
}
