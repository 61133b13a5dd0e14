import type { KubeObject } from '../../shared/objects/object.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'

/** An object as the collector knows it. */
export interface GraphNode {
  readonly uid: string
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string | undefined
  readonly name: string
  readonly resourceVersion: string | undefined
  readonly owners: readonly OwnerReference[]
  readonly finalizers: readonly string[]
  readonly deleting: boolean
}

export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

/** Deleted in the foreground, and still there: it waits for its dependents. */
export function isWaiting(node: GraphNode): boolean {
  return node.deleting && node.finalizers.includes(FOREGROUND)
}

export function graphNode(object: KubeObject, kind: { apiVersion: string; kind: string }): GraphNode {
  const { metadata } = object
  return {
    ...kind,
    uid: metadata.uid ?? '',
    namespace: metadata.namespace,
    name: metadata.name ?? '',
    resourceVersion: metadata.resourceVersion,
    owners: metadata.ownerReferences ?? [],
    finalizers: metadata.finalizers ?? [],
    deleting: metadata.deletionTimestamp !== undefined,
  }
}

/** Who owns whom, by uid, kept up to date as objects come and go. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>()
  readonly #dependents = new Map<string, Set<string>>()

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? [])
  }

  /** Objects of a kind, `apiVersion/kind`. */
  ofKind(kind: string): GraphNode[] {
    return [...this.#nodes.values()].filter((node) => `${node.apiVersion}/${node.kind}` === kind)
  }

  set(node: GraphNode): void {
    this.#unlink(node.uid)
    this.#nodes.set(node.uid, node)
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid)
      if (dependents) dependents.add(node.uid)
      else this.#dependents.set(uid, new Set([node.uid]))
    }
  }

  delete(uid: string): void {
    this.#unlink(uid)
    this.#nodes.delete(uid)
  }

  #unlink(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.owners ?? []) {
      const dependents = this.#dependents.get(owner.uid)
      dependents?.delete(uid)
      if (dependents?.size === 0) this.#dependents.delete(owner.uid)
    }
  }
}

/** What is known of one owner reference. */
export type OwnerState = 'solid' | 'absent' | 'waiting'

/** What to do about an object, by the state of its owners (the rules of upstream's collector). Pure. */
export type Verdict =
  | { what: 'keep' }
  /** Some owners remain; references to the others go. */
  | { what: 'dropReferences'; uids: readonly string[] }
  | { what: 'delete'; policy: 'Background' | 'Foreground' | 'Orphan' }

export function verdict(node: GraphNode, states: ReadonlyMap<string, OwnerState>, hasDependents: boolean): Verdict {
  const of = (state: OwnerState) => node.owners.filter(({ uid }) => states.get(uid) === state).map(({ uid }) => uid)
  const gone = [...of('absent'), ...of('waiting')]
  if (gone.length === 0) return { what: 'keep' }
  if (of('solid').length > 0) return { what: 'dropReferences', uids: gone }
  // An owner that waits for its dependents must also wait for theirs.
  if (of('waiting').length > 0 && hasDependents) return { what: 'delete', policy: 'Foreground' }
  if (node.finalizers.includes(ORPHAN)) return { what: 'delete', policy: 'Orphan' }
  return { what: 'delete', policy: node.finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background' }
}

/** Dependents for which an owner's foreground deletion waits. */
export function blocking(owner: GraphNode, dependents: readonly GraphNode[]): GraphNode[] {
  return dependents.filter((dependent) =>
    dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion === true),
  )
}
