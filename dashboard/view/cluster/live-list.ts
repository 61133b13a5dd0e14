import { signal } from '@preact/signals'
import type { Clock } from '../../../shared/time/clock.ts'
import type { Ask } from './ask.ts'
import type { Column, Format } from './format.ts'
import { linesOf } from './lines.ts'
import type { LiveConnection } from './live-connection.ts'
import { isPassing, Lost, Refusal, sentenceOf } from './refusal.ts'

export type ListState =
  | { readonly phase: 'loading'; readonly remaining: number }
  | { readonly phase: 'live' }
  /** Shown as it was; tried again. */
  | { readonly phase: 'lost'; readonly why: string }
  /** Not tried again by itself. */
  | { readonly phase: 'refused'; readonly refusal: Refusal }

export interface ListTools {
  readonly ask: Ask
  readonly live: LiveConnection
  readonly clock: Clock
  /** When the next picture is drawn. */
  nextFrame(action: () => void): void
}

interface WatchEvent {
  readonly type: string
  readonly object: unknown
}

/** Items of a page of a list: enough for a first view at once, and few enough to show how far it is. */
const PAGE = 1_000
const AGAIN_MILLISECONDS = 1_000

/** A list that is kept equal to the cluster's by a watch. Changes are told once a picture. */
export class LiveList<Item> {
  /** By uid. Changed in place: who shows it reads `version` too. */
  readonly items = new Map<string, Item>()
  readonly version = signal(0)
  readonly state = signal<ListState>({ phase: 'loading', remaining: 0 })
  readonly columns = signal<readonly Column[]>([])
  readonly #path: string
  readonly #format: Format<Item>
  readonly #tools: ListTools
  #isTold = true
  #life: AbortController | undefined

  /** @param path with its query */
  constructor(path: string, format: Format<Item>, tools: ListTools) {
    this.#path = path
    this.#format = format
    this.#tools = tools
  }

  start(): void {
    if (this.#life) return
    this.#life = new AbortController()
    void this.#run(this.#life.signal)
  }

  stop(): void {
    this.#life?.abort(new Error('nobody looks any more'))
    this.#life = undefined
  }

  /** Asks anew after a refusal. */
  retry(): void {
    this.stop()
    this.state.value = { phase: 'loading', remaining: 0 }
    this.start()
  }

  async #run(signal: AbortSignal): Promise<void> {
    let revision: string | undefined
    while (!signal.aborted) {
      try {
        revision ??= await this.#list(signal)
        this.state.value = { phase: 'live' }
        for await (const next of this.#watch(revision, signal)) revision = next
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Refusal && error.code === 410) revision = undefined
        else if (error instanceof Refusal && !isPassing(error)) {
          this.state.value = { phase: 'refused', refusal: error }
          return
        } else {
          this.state.value = { phase: 'lost', why: sentenceOf(error) }
          if (!(error instanceof Lost)) revision = undefined
          await this.#tools.clock.sleep(AGAIN_MILLISECONDS)
        }
      }
    }
  }

  /** What is shown stays until its successor is here as a whole; the first list is shown as it comes. */
  async #list(signal: AbortSignal): Promise<string> {
    const isFirst = this.items.size === 0
    const fresh = isFirst ? this.items : new Map<string, Item>()
    let token = ''
    for (;;) {
      const query = `limit=${PAGE}${token && `&continue=${encodeURIComponent(token)}`}`
      const body = await this.#tools.ask<unknown>(withQuery(this.#path, query), { accept: this.#format.accept, signal })
      const { metadata, items, columns } = this.#format.page(body)
      for (const item of items) fresh.set(this.#keyOf(item), item)
      if (columns) this.columns.value = columns
      token = metadata.continue ?? ''
      if (token !== '') this.state.value = { phase: 'loading', remaining: metadata.remainingItemCount ?? 0 }
      if (isFirst) this.#tell()
      if (token !== '') continue
      if (!isFirst) {
        this.items.clear()
        for (const [key, item] of fresh) this.items.set(key, item)
        this.#tell()
      }
      return metadata.resourceVersion ?? ''
    }
  }

  /** Revisions up to which the list is right. @throws Refusal 410 when the watch cannot go on from there */
  async *#watch(from: string, signal: AbortSignal): AsyncGenerator<string> {
    const path = withQuery(this.#path, `watch=true&allowWatchBookmarks=true&resourceVersion=${from}`)
    for await (const line of linesOf(this.#tools.live.follow(path, this.#format.accept, signal))) {
      const { type, object } = JSON.parse(line) as WatchEvent
      if (type === 'ERROR') {
        const status = object as { code?: number; message?: string }
        throw new Refusal(status.code ?? 500, { ...(status.message !== undefined && { message: status.message }) })
      }
      const item = this.#format.item(object)
      if (item === undefined) continue
      const { resourceVersion } = this.#format.metadata(item)
      if (type === 'DELETED') this.items.delete(this.#keyOf(item))
      else if (type !== 'BOOKMARK') this.items.set(this.#keyOf(item), item)
      if (type !== 'BOOKMARK') this.#tell()
      if (resourceVersion) yield resourceVersion
    }
  }

  #keyOf(item: Item): string {
    const { uid, namespace = '', name } = this.#format.metadata(item)
    return uid ?? `${namespace}/${name}`
  }

  #tell(): void {
    if (!this.#isTold) return
    this.#isTold = false
    this.#tools.nextFrame(() => {
      this.#isTold = true
      this.version.value++
    })
  }
}

export function withQuery(path: string, query: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${query}`
}
