import { signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext, useEffect, useMemo } from 'preact/hooks'
import type { Clock } from '../../../shared/time/clock.ts'
import type { Session } from '../session/session.ts'
import { type Ask, askAs } from './ask.ts'
import { discover } from './discovery.ts'
import { asObjects, asTable, type Format, type Row } from './format.ts'
import type { Kind } from './kind.ts'
import { LiveConnection } from './live-connection.ts'
import { LiveList } from './live-list.ts'
import type { AnyObject } from './object.ts'
import { isPassing, sentenceOf } from './refusal.ts'

const AGAIN_MILLISECONDS = 1_000

/** The cluster as who is signed in sees it. */
export class Cluster {
  readonly ask: Ask
  readonly live: LiveConnection
  readonly session: Session
  readonly clock: Clock
  /** Undefined until discovery has answered. */
  readonly kinds = signal<readonly Kind[] | undefined>(undefined)
  /** Why the kinds are not known. */
  readonly problem = signal('')
  readonly #lists = new Map<string, { list: LiveList<unknown>; users: number }>()

  constructor(session: Session, clock: Clock) {
    this.session = session
    this.clock = clock
    this.ask = askAs(session)
    this.live = new LiveConnection(session, clock)
  }

  /** Asks until it is answered. */
  async discover(): Promise<void> {
    try {
      this.kinds.value = await discover(this.ask)
      this.problem.value = ''
    } catch (error) {
      this.problem.value = sentenceOf(error)
      if (!isPassing(error)) return
      await this.clock.sleep(AGAIN_MILLISECONDS)
      if (this.session.token.peek() !== undefined) await this.discover()
    }
  }

  /** The kind by group and plural. */
  find(group: string, resource: string): Kind | undefined {
    return this.kinds.value?.find((kind) => kind.group === group && kind.resource === resource)
  }

  /** The kind of an owner reference and the like. */
  findKind(apiVersion: string, kind: string): Kind | undefined {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
    return this.kinds.value?.find((each) => each.group === group && each.kind === kind)
  }

  /** One list for all that look at it; give it back by `release`. */
  use<Item>(path: string, format: Format<Item>): LiveList<Item> {
    const key = `${format.accept} ${path}`
    const known = this.#lists.get(key)
    if (known) {
      known.users++
      return known.list as LiveList<Item> // made below, with the same format
    }
    const tools = {
      ask: this.ask,
      live: this.live,
      clock: this.clock,
      nextFrame: (action: () => void) => void requestAnimationFrame(action),
    }
    const list = new LiveList(path, format, tools)
    this.#lists.set(key, { list: list as LiveList<unknown>, users: 1 })
    list.start()
    return list
  }

  release(path: string, { accept }: Pick<Format<unknown>, 'accept'>): void {
    const key = `${accept} ${path}`
    const known = this.#lists.get(key)
    if (!known || --known.users > 0) return
    known.list.stop()
    this.#lists.delete(key)
  }
}

export const ClusterContext = createContext<Cluster | undefined>(undefined)

export function useCluster(): Cluster {
  const cluster = useContext(ClusterContext)
  if (!cluster) throw new Error('nothing is shown outside of a cluster')
  return cluster
}

/** A table of the server, followed while this is shown. */
export function useTable(path: string): LiveList<Row> {
  return useLive(path, asTable)
}

/** Objects, followed while this is shown. */
export function useObjects(path: string): LiveList<AnyObject> {
  return useLive(path, asObjects)
}

function useLive<Item>(path: string, format: Format<Item>): LiveList<Item> {
  const cluster = useCluster()
  const list = useMemo(() => cluster.use(path, format), [cluster, path, format])
  useEffect(() => () => cluster.release(path, format), [cluster, path, format])
  return list
}
