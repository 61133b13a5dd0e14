import type { Cache, ChangeListener, Informer } from '../../shared/informer/informer.ts'
import type { KubeObject } from '../../shared/objects/object.ts'

/** An informer whose objects the test sets by hand. */
export class HandSet<T extends KubeObject> implements Informer<T> {
  readonly objects = new Map<string, T>()
  readonly #listeners = new Set<ChangeListener<T>>()
  readonly synced = true
  readonly revision = 0
  readonly cache: Cache<T> = {
    get: (key) => this.objects.get(key),
    list: () => [...this.objects.values()],
    lookup: (_name, value) =>
      [...this.objects.values()].filter((object) => `default/${object.metadata.labels?.['kubernetes.io/service-name']}` === value),
    size: 0,
  }

  onChange(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async whenSynced(): Promise<void> {}

  set(key: string, current: T | undefined): void {
    const previous = this.objects.get(key)
    if (current) this.objects.set(key, current)
    else this.objects.delete(key)
    for (const listener of this.#listeners) listener(key, current, previous)
  }
}
