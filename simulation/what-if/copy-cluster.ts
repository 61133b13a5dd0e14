import type { Transport } from '../../shared/client/transport.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { discoverKinds, getJson, getText, type ListedKind } from './discover-kinds.ts'

/** The objects of one kind. */
export interface CopiedKind extends ListedKind {
  readonly objects: readonly KubeObject[]
}

/** A cluster as it was at one moment, as far as it could be read. */
export interface ClusterCopy {
  /** The revision that every list is of. */
  readonly revision: number
  /** The live server's time, in milliseconds since the epoch. */
  readonly time: number
  readonly kinds: readonly CopiedKind[]
  readonly bytes: number
  /** Kinds, by plural and group, that could not be read, or not everywhere. */
  readonly unread: ReadonlySet<string>
  /** Sentences for people: what is not in the copy, and why. */
  readonly leftOut: readonly string[]
}

export interface CopyOptions {
  /** Where to look for what may not be listed in all namespaces. */
  readonly namespaces: readonly string[]
  /** Bytes of JSON that are copied at most. */
  readonly maxBytes: number
  /** This machine's time, for servers that do not say theirs. */
  readonly now: number
}

/** The cluster holds more than was allowed. */
export class ClusterTooLarge extends Error {
  override readonly name = 'ClusterTooLarge'
}

interface ListDocument {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: readonly KubeObject[] | null
}

/** Objects of a page. */
const PAGE = 500

/**
 * Reads everything that the connection's user may list, all of it as of one revision: the first list says which, the others ask for exactly that one.
 * Only GETs are sent, on as few connections as the transport opens.
 * @throws ClusterTooLarge, ConnectionError, StatusError when nothing can be read at all
 */
export async function copyCluster(transport: Transport, options: CopyOptions): Promise<ClusterCopy> {
  const leftOut: string[] = []
  const unread = new Set<string>()
  const { time = options.now } = await getText(transport, '/version')
  const lists = new Lists(transport, options.maxBytes)
  const kinds: CopiedKind[] = []
  // Definitions come first: which version their objects are stored in is known before these are read.
  for (const kind of await discoverKinds(transport, leftOut)) {
    const name = nameOf(kind)
    try {
      kinds.push({ ...kind, objects: await lists.read(kind, undefined) })
    } catch (error) {
      if (!(error instanceof StatusError) || error.code === 410) throw error
      unread.add(name)
      const objects = error.reason === 'Forbidden' && kind.namespaced ? await inNamespaces(lists, kind, options.namespaces) : []
      if (objects.length > 0) kinds.push({ ...kind, objects })
      leftOut.push(`${name}${objects.length > 0 ? `, but for namespaces ${options.namespaces.join(', ')}` : ''}: ${error.message}`)
    }
  }
  if (lists.revision === undefined) throw new StatusError('Forbidden', `nothing of this cluster can be listed: ${leftOut.join('; ')}`)
  return { revision: lists.revision, time, kinds, bytes: lists.bytes, unread, leftOut }
}

/** `deployments.apps`, `pods`. */
export function nameOf({ group, plural }: Pick<ListedKind, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`
}

async function inNamespaces(lists: Lists, kind: ListedKind, namespaces: readonly string[]): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = []
  for (const namespace of namespaces) {
    try {
      objects.push(...(await lists.read(kind, namespace)))
    } catch (error) {
      // The refusal for the whole cluster is reported already.
      if (!(error instanceof StatusError) || error.reason !== 'Forbidden') throw error
    }
  }
  return objects
}

/** Lists of one moment. */
class Lists {
  readonly #transport: Transport
  readonly #maxBytes: number
  revision: number | undefined
  bytes = 0

  constructor(transport: Transport, maxBytes: number) {
    this.#transport = transport
    this.#maxBytes = maxBytes
  }

  async read({ group, version, plural, kind }: ListedKind, namespace: string | undefined): Promise<readonly KubeObject[]> {
    const apiVersion = group === '' ? version : `${group}/${version}`
    const path = `${group === '' ? '/api' : '/apis'}/${apiVersion}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`
    const objects: KubeObject[] = []
    let next: string | undefined
    do {
      const query = new URLSearchParams({ limit: String(PAGE) })
      if (next !== undefined) query.set('continue', next)
      else if (this.revision !== undefined) {
        query.set('resourceVersion', String(this.revision))
        query.set('resourceVersionMatch', 'Exact')
      }
      const list = await getJson<ListDocument>({ send: (request) => this.#counted(request) }, `${path}?${query}`)
      this.revision ??= Number(list.metadata.resourceVersion)
      // Items of a list need not say what they are.
      for (const item of list.items ?? []) objects.push({ ...item, apiVersion, kind, metadata: item.metadata })
      next = list.metadata.continue || undefined
    } while (next !== undefined)
    return objects
  }

  async #counted(request: Parameters<Transport['send']>[0]) {
    const response = await this.#transport.send(request)
    const text = await response.text()
    this.bytes += Buffer.byteLength(text)
    if (this.bytes > this.#maxBytes) {
      const mebibytes = (this.#maxBytes / 2 ** 20).toFixed(0)
      throw new ClusterTooLarge(`the cluster holds more than the ${mebibytes} MiB that a copy may have: --max-bytes allows more`)
    }
    return { ...response, header: (name: string) => response.header(name), text: async () => text }
  }
}
