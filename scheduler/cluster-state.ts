import { sameJson } from '../shared/objects/same-json.ts'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'
import { isBetweenSizes } from '../shared/pods/pod-demand.ts'
import { claimKeysOf } from '../shared/volumes/pod-claims.ts'
import { alteredAspects, type ClusterChange } from './cluster-change.ts'
import { NodeInfo } from './node-info.ts'
import { Nominations } from './nominations.ts'
import { type PodInfo, podInfo } from './pod-info.ts'
import { Topology } from './topology/topology.ts'
import { VolumeState } from './volume-state.ts'

/** How long a pod that was assumed to be on a node stays counted there without the server's confirmation after its binding was answered. */
export const ASSUMED_FOR_MILLISECONDS = 30_000

/**
 * Nodes, the pods on them, and the pods assumed to be on them: the scheduler's picture of the cluster. A scheduling
 * cycle is synchronous, so nothing changes under it and no snapshot has to be copied.
 */
export class ClusterState {
  readonly nodes = new Map<string, NodeInfo>()
  /** In the order they appeared; filters start at a rotating place in it. */
  #order: NodeInfo[] = []
  #slots = 0
  readonly #freeSlots: number[] = []
  /** Where each counted pod is, assumed ones included. */
  readonly #placed = new Map<string, { node: string; info: PodInfo; assumed: boolean }>()
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>()
  readonly volumes = new VolumeState()
  readonly namespaceLabels = new Map<string, Readonly<Record<string, string>>>()
  /** How many pods use a claim. */
  readonly claimUsers = new Map<string, number>()
  /** Pods for which room is being made, and where: nobody of lower priority may take it meanwhile. */
  readonly nominations = new Nominations()
  /** Which pods are where, by the values of node labels. */
  readonly topology = new Topology()
  /** On how many nodes each image is, by every name it goes by. */
  readonly imageNodes = new Map<string, number>()
  readonly #report: (change: ClusterChange) => void

  /** `report` is told of every change that rules look at, after it was made. */
  constructor(report: (change: ClusterChange) => void = () => undefined) {
    this.#report = report
  }

  list(): readonly NodeInfo[] {
    return this.#order
  }

  setNode(node: Node): void {
    const name = node.metadata.name ?? ''
    const known = this.nodes.get(name)
    if (known) {
      const previous = known.node
      const altered = alteredAspects(node, previous)
      const isElsewhere = altered !== undefined && (altered.labels.length > 0 || altered.taints)
      this.#countImages(known, -1)
      if (isElsewhere) this.topology.removeNode(known)
      known.update(node)
      if (isElsewhere) this.topology.addNode(known)
      this.#countImages(known, 1)
      if (altered) this.#report({ what: 'nodeUpdated', node: known, previous, altered })
      return
    }
    const info = new NodeInfo(name, node, this.#freeSlots.pop() ?? this.#slots++)
    this.topology.addNode(info)
    this.#countImages(info, 1)
    this.nodes.set(name, info)
    this.#order.push(info)
    for (const pod of this.#homeless.get(name)?.values() ?? []) this.#addTo(info, pod)
    this.#homeless.delete(name)
    this.#report({ what: 'nodeAdded', node: info })
  }

  removeNode(name: string): void {
    const gone = this.nodes.get(name)
    if (!gone) return
    this.nodes.delete(name)
    this.#countImages(gone, -1)
    this.#order = this.#order.filter((node) => node !== gone)
    this.topology.removeNode(gone)
    this.#freeSlots.push(gone.slot)
    for (const pod of gone.pods.values()) this.#countClaims(pod, -1)
    if (gone.pods.size > 0) this.#homeless.set(name, new Map(gone.pods))
    this.#report({ what: 'nodeRemoved', node: gone })
  }

  /** The server's word on a pod that has a node and is not finished; confirms or replaces what was assumed. */
  setPod(pod: Pod): void {
    const node = pod.spec.nodeName ?? ''
    const known = this.#placed.get(pod.metadata.uid ?? '')
    if (known?.node === node && countsTheSame(known.info.pod, pod)) {
      known.info.pod = pod
      known.assumed = false
      return
    }
    const info = podInfo(pod)
    if (known?.node !== node) {
      this.removePod(info.uid)
      return this.#place(info, node, false)
    }
    this.#takeOff(info.uid)
    this.#place(info, node, false, known.info)
  }

  /** Counts the pod on the node before the server has confirmed it, so that the next cycle sees the room as taken. */
  assume(info: PodInfo, node: string): void {
    this.removePod(info.uid)
    this.#place(info, node, true)
    this.dropNomination(info.uid)
  }

  /** Takes an assumption back; does nothing once the server has confirmed it. */
  forget(uid: string): void {
    if (this.#placed.get(uid)?.assumed) this.removePod(uid)
  }

  /** The node where room is being made for the pod, if it is there. */
  nominationOf(uid: string): NodeInfo | undefined {
    return this.nodes.get(this.nominations.nodeOf(uid) ?? '')
  }

  /** Room is being made for the pod there, and nowhere else any longer. */
  nominate(info: PodInfo, node: string): void {
    if (this.nominations.nodeOf(info.uid) !== node) this.dropNomination(info.uid)
    this.nominations.set(info, node)
  }

  /** No room is kept for the pod any longer: others may have it. */
  dropNomination(uid: string): void {
    const node = this.nominationOf(uid)
    const info = node && this.nominations.on(node.name).get(uid)
    this.nominations.delete(uid)
    if (node && info) this.#report({ what: 'podRemoved', pod: info, node })
  }

  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): void {
    if (sameJson(labels, this.namespaceLabels.get(name))) return
    if (labels) this.namespaceLabels.set(name, labels)
    else this.namespaceLabels.delete(name)
    this.topology.namespaceChanged()
    this.#report({ what: 'namespaceChanged', name })
  }

  /** Takes a pod off a node for as long as something is looked at; `putBack` must follow before anything else happens. */
  withdraw(node: NodeInfo, info: PodInfo): void {
    this.topology.removePod(node, info)
    this.#countClaims(info, -1)
    node.remove(info)
  }

  /** The reverse of `withdraw`; or, before one, puts a pod on a node as if it were there. */
  putBack(node: NodeInfo, info: PodInfo): void {
    this.#addTo(node, info)
  }

  isPlaced(uid: string): boolean {
    return this.#placed.has(uid)
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid)
    const node = this.#takeOff(uid)
    if (placed && node) this.#report({ what: 'podRemoved', pod: placed.info, node })
  }

  /** Answers where the pod was. */
  #takeOff(uid: string): NodeInfo | undefined {
    const placed = this.#placed.get(uid)
    if (!placed) return undefined
    this.#placed.delete(uid)
    const node = this.nodes.get(placed.node)
    if (!node) {
      this.#homeless.get(placed.node)?.delete(uid)
      return undefined
    }
    this.withdraw(node, placed.info)
    this.topology.sweep()
    return node
  }

  /** `previous` is what the pod was on this node until now. */
  #place(info: PodInfo, name: string, assumed: boolean, previous?: PodInfo): void {
    this.#placed.set(info.uid, { node: name, info, assumed })
    const node = this.nodes.get(name)
    if (node) {
      this.#addTo(node, info)
      return this.#report(previous ? { what: 'podUpdated', pod: info, previous, node } : { what: 'podPlaced', pod: info, node })
    }
    const waiting = this.#homeless.get(name) ?? new Map<string, PodInfo>()
    waiting.set(info.uid, info)
    this.#homeless.set(name, waiting)
  }

  #countImages(node: NodeInfo, by: 1 | -1): void {
    for (const name of node.images.keys()) {
      const count = (this.imageNodes.get(name) ?? 0) + by
      if (count === 0) this.imageNodes.delete(name)
      else this.imageNodes.set(name, count)
    }
  }

  #addTo(node: NodeInfo, info: PodInfo): void {
    node.add(info)
    this.topology.addPod(node, info)
    this.#countClaims(info, 1)
  }

  #countClaims({ hasClaims, pod }: PodInfo, by: 1 | -1): void {
    if (!hasClaims) return
    for (const key of new Set(claimKeysOf(pod))) {
      const users = (this.claimUsers.get(key) ?? 0) + by
      if (users > 0) this.claimUsers.set(key, users)
      else this.claimUsers.delete(key)
    }
  }
}

/** Status changes are most of what is seen of a pod, and no rule asks for them. */
function countsTheSame(left: Pod, right: Pod): boolean {
  return (
    left.metadata.generation === right.metadata.generation &&
    left.metadata.deletionTimestamp === right.metadata.deletionTimestamp &&
    JSON.stringify(left.metadata.labels) === JSON.stringify(right.metadata.labels) &&
    !isBetweenSizes(left) &&
    !isBetweenSizes(right)
  )
}
