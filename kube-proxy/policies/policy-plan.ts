import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { NetworkPolicy } from '../../shared/openapi/generated/networking-v1.ts'
import { type CompiledPolicy, compilePolicy } from './compile-policy.ts'
import { contentName } from './content-name.ts'
import { KnownPods } from './known-pods.ts'
import { type Direction, type Passes, passesOf } from './passes.ts'
import type { PeerGroup } from './peer-group.ts'
import type { PolicyPod } from './policy-pod.ts'
import { SharedParts } from './shared-parts.ts'
import { type TableChange, TableState } from './table-state.ts'

type Labels = Readonly<Record<string, string>>

const DIRECTIONS = ['ingress', 'egress'] as const
/** Sets and maps that are always there; see `policyTable`. */
export const CONSTANT_SETS = ['ingress', 'egress', 'selves', 'known', 'closed_ingress', 'closed_egress'] as const

/** A pod of this node as it is in the table. */
interface Subject {
  readonly address: string | undefined
  /** The chain that says what it may; undefined where it is not restricted. */
  readonly ingress: string | undefined
  readonly egress: string | undefined
}

/**
 * Pure: policies, pods and namespaces → what the table of one node holds. Told of one change it works out what is different by that, for
 * the pods and the sets that the change touches.
 */
export class PolicyPlan {
  readonly #node: string
  readonly #family: IpFamily
  readonly #table = new TableState(CONSTANT_SETS)
  readonly #pods: KnownPods
  readonly #namespaces = new Map<string, Labels>()
  /** By namespace, then by name. */
  readonly #policies = new Map<string, Map<string, CompiledPolicy>>()
  readonly #subjects = new Map<string, Subject>()
  readonly #chains: SharedParts<Passes>
  readonly #groups: SharedParts<PeerGroup>
  /** By set: the elements of each pod that is in it. */
  readonly #members = new Map<string, Map<string, readonly string[]>>()
  #range: string | undefined
  /** Pods to look at before the table is asked for. */
  readonly #dirty = new Set<string>()
  readonly #restricted = { ingress: 0, egress: 0 }

  /**
   * @param node whose pods are restricted here; the others are peers
   * @param family of the table
   */
  constructor(node: string, family: IpFamily = 'IPv4') {
    this.#node = node
    this.#family = family
    this.#pods = new KnownPods(family)
    this.#chains = new SharedParts(
      (name, { passes, groups }) => {
        for (const group of groups.values()) this.#groups.take(group.name, group)
        this.#table.addChain(name, passes)
      },
      (name, { groups }) => {
        this.#table.removeChain(name)
        for (const group of groups.keys()) this.#groups.release(group)
      },
    )
    this.#groups = new SharedParts(
      (name, group) => {
        this.#table.addSet(name)
        this.#members.set(name, new Map())
        const { namespace } = group.choice
        this.#fill(name, group, namespace === undefined ? this.#pods.all() : this.#pods.in(namespace))
      },
      (name) => {
        this.#members.delete(name)
        this.#table.removeSet(name)
      },
    )
  }

  /** How many policies there are; without any, no table is needed. */
  get policies(): number {
    return [...this.#policies.values()].reduce((sum, { size }) => sum + size, 0)
  }

  setPolicy(key: string, policy: NetworkPolicy | undefined): void {
    const [namespace = '', name = ''] = key.split('/')
    const there = this.#policies.get(namespace) ?? new Map<string, CompiledPolicy>()
    const compiled = policy && compilePolicy(policy, this.#family)
    if (compiled) this.#policies.set(namespace, there.set(name, compiled))
    else if (there.delete(name) && there.size === 0) this.#policies.delete(namespace)
    for (const pod of this.#pods.in(namespace)) if (this.#pods.get(pod)?.node === this.#node) this.#dirty.add(pod)
  }

  setPod(key: string, pod: PolicyPod | undefined): void {
    const changed = this.#pods.set(key, pod)
    for (const [name, group] of this.#groups) this.#fill(name, group, changed)
    for (const each of changed) this.#dirty.add(each)
  }

  /** @param labels undefined: the namespace is gone */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels) this.#namespaces.set(name, labels)
    else this.#namespaces.delete(name)
    for (const [set, group] of this.#groups) if (group.choice.namespaces) this.#fill(set, group, this.#pods.in(name))
  }

  /** The addresses of the family that this node gives to its pods; undefined where it is not known. */
  setRange(range: string | undefined): void {
    for (const direction of DIRECTIONS) {
      const set = `closed_${direction}`
      if (this.#range !== undefined && this.#restricted[direction] > 0) this.#table.put(set, this.#range, undefined)
      if (range !== undefined && this.#restricted[direction] > 0) this.#table.put(set, range, '')
    }
    this.#range = range
  }

  /** What changed in the table since the last call. */
  changes(): TableChange {
    this.#settle()
    return this.#table.take()
  }

  /** Everything that is in the table. */
  whole(): TableChange {
    this.#settle()
    this.#table.take()
    return this.#table.whole()
  }

  /** All that goes is taken out before anything is put in: an address may have gone from one pod to another. */
  #settle(): void {
    for (const key of this.#dirty) {
      const before = this.#subjects.get(key)
      if (before) this.#enter(before, undefined)
    }
    for (const key of this.#dirty) this.#place(key)
    this.#dirty.clear()
  }

  /** New chains come before old ones go, so that what both use stays. */
  #place(key: string): void {
    const pod = this.#pods.get(key)
    const before = this.#subjects.get(key)
    const isOurs = pod?.node === this.#node && pod.isConnected
    const next: Subject | undefined = isOurs
      ? {
          address: this.#pods.hasItsAddress(pod) ? this.#pods.addressOf(pod) : undefined,
          ingress: this.#chainFor(pod, 'ingress'),
          egress: this.#chainFor(pod, 'egress'),
        }
      : undefined
    if (next) this.#enter(next, '')
    for (const direction of DIRECTIONS) {
      const chain = before?.[direction]
      if (chain !== undefined) this.#chains.release(chain)
      this.#restrict(direction, Number(next?.[direction] !== undefined) - Number(chain !== undefined))
    }
    if (next) this.#subjects.set(key, next)
    else this.#subjects.delete(key)
  }

  #chainFor(pod: PolicyPod, direction: Direction): string | undefined {
    const policies = [...(this.#policies.get(pod.metadata.namespace ?? '')?.values() ?? [])]
    const deciding = policies.filter((policy) => policy[direction] && policy.selects.matches(pod.metadata.labels))
    if (deciding.length === 0) return undefined
    const passes = passesOf(
      deciding.flatMap((policy) => policy[direction] ?? []),
      direction,
      pod.ports,
      this.#family,
    )
    if (passes.all) return undefined
    const name = contentName(direction, passes.passes)
    this.#chains.take(name, passes)
    return name
  }

  #enter({ address, ...chains }: Subject, isThere: '' | undefined): void {
    if (address === undefined) return
    this.#table.put('known', address, isThere)
    for (const direction of DIRECTIONS) {
      const chain = chains[direction]
      if (chain !== undefined) this.#table.put(direction, address, isThere === '' ? chain : undefined)
    }
    if (chains.ingress !== undefined || chains.egress !== undefined) this.#table.put('selves', `${address} . ${address}`, isThere)
  }

  /** A node that restricts somebody lets nobody in or out whom it does not know: it may be one who is to be restricted. */
  #restrict(direction: Direction, by: number): void {
    const before = this.#restricted[direction]
    const now = (this.#restricted[direction] = before + by)
    if (this.#range !== undefined && before > 0 !== now > 0) this.#table.put(`closed_${direction}`, this.#range, now > 0 ? '' : undefined)
  }

  #fill(set: string, group: PeerGroup, keys: Iterable<string>): void {
    const members = this.#members.get(set)
    if (!members) return
    const come: [key: string, elements: readonly string[]][] = []
    for (const key of keys) {
      for (const element of members.get(key) ?? []) this.#table.put(set, element, undefined)
      members.delete(key)
      const pod = this.#pods.get(key)
      const labels = this.#namespaces.get(pod?.metadata.namespace ?? '')
      const elements = pod && this.#pods.hasItsAddress(pod) ? group.elementsOf(pod, this.#pods.addressOf(pod), labels) : []
      if (elements.length > 0) come.push([key, elements])
    }
    for (const [key, elements] of come) {
      members.set(key, elements)
      for (const element of elements) this.#table.put(set, element, '')
    }
  }
}
