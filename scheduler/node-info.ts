import { own } from '../shared/objects/own.ts'
import type { Node, Taint } from '../shared/openapi/generated/core-v1.ts'
import { type HostPort, hostPortsClash } from '../shared/pods/host-ports.ts'
import { type Amounts, amountsOf } from '../shared/pods/resource-requests.ts'
import { keepsOff } from '../shared/pods/tolerations.ts'
import type { PodInfo } from './pod-info.ts'

const none: readonly Taint[] = []

/** A node with the pods that are on it or on their way to it, and sums kept up to date as they come and go. */
export class NodeInfo {
  readonly name: string
  /** A small number that no other node has while this one is there: its place in arrays about nodes. */
  readonly slot: number
  node: Node
  allocatable: Amounts
  /** Of everything but CPU and memory. */
  readonly requested: Amounts = new Map()
  /** CPU, memory and pods stand apart as plain numbers: they are compared for every pod on every node. */
  allocatableMilliCpu = 0
  allocatableMemory = 0
  allocatablePods = 0
  requestedMilliCpu = 0
  requestedMemory = 0
  weighedMilliCpu = 0
  weighedMemory = 0
  readonly pods = new Map<string, PodInfo>()
  labels: Readonly<Record<string, string>> = {}
  /** Bytes of each image on the node, by every name it goes by. */
  images = new Map<string, number>()
  /** No new pods (`spec.unschedulable`). */
  isCordoned = false
  /** Taints that keep pods off, and those that only cost points. */
  hardTaints: readonly Taint[] = none
  softTaints: readonly Taint[] = none

  constructor(name: string, node: Node, slot: number) {
    this.name = name
    this.slot = slot
    this.node = node
    this.allocatable = new Map()
    this.update(node)
  }

  /** A label whose name somebody chose. */
  label(key: string): string | undefined {
    return own(this.labels, key)
  }

  update(node: Node): void {
    this.node = node
    this.labels = node.metadata.labels ?? {}
    this.allocatable = amountsOf(node.status.allocatable ?? node.status.capacity)
    this.allocatableMilliCpu = this.allocatable.get('cpu') ?? 0
    this.allocatableMemory = this.allocatable.get('memory') ?? 0
    this.allocatablePods = this.allocatable.get('pods') ?? 0
    this.isCordoned = node.spec.unschedulable === true
    this.hardTaints = node.spec.taints?.filter(keepsOff) ?? none
    this.softTaints = node.spec.taints?.filter(({ effect }) => effect === 'PreferNoSchedule') ?? none
    this.images = new Map((node.status.images ?? []).flatMap((image) => (image.names ?? []).map((name) => [name, image.sizeBytes ?? 0])))
  }

  add(info: PodInfo): void {
    this.pods.set(info.uid, info)
    this.#count(info, 1)
  }

  remove(info: PodInfo): void {
    if (!this.pods.delete(info.uid)) return
    this.#count(info, -1)
  }

  /** Whether a pod here holds a port that the wanted one clashes with. */
  portTaken(wanted: HostPort): boolean {
    for (const { hostPorts } of this.pods.values()) {
      if (hostPorts.some((held) => hostPortsClash(held, wanted))) return true
    }
    return false
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    for (const [name, amount] of info.otherRequests) this.requested.set(name, (this.requested.get(name) ?? 0) + sign * amount)
    this.requestedMilliCpu += sign * info.milliCpu
    this.requestedMemory += sign * info.memory
    this.weighedMilliCpu += sign * info.weighedMilliCpu
    this.weighedMemory += sign * info.weighedMemory
  }
}
