import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { PolicyPod } from './policy-pod.ts'

/** All pods, by name, by namespace, and by the address of one family that they have. */
export class KnownPods {
  readonly #family: IpFamily
  readonly #pods = new Map<string, PolicyPod>()
  readonly #byNamespace = new Map<string, Set<string>>()
  readonly #byAddress = new Map<string, Set<string>>()

  constructor(family: IpFamily) {
    this.#family = family
  }

  addressOf(pod: PolicyPod | undefined): string | undefined {
    return pod?.addresses[this.#family]
  }

  /** @returns the pods to which something is different now: it, and who has or lost an address by this */
  set(key: string, pod: PolicyPod | undefined): Set<string> {
    const before = this.#pods.get(key)
    const changed = new Set([key])
    for (const address of [this.addressOf(before), this.addressOf(pod)])
      for (const other of this.#byAddress.get(address ?? '') ?? []) changed.add(other)
    if (before) this.#file(before, key, false)
    if (pod) {
      this.#pods.set(key, pod)
      this.#file(pod, key, true)
    } else this.#pods.delete(key)
    return changed
  }

  get(key: string): PolicyPod | undefined {
    return this.#pods.get(key)
  }

  all(): Iterable<string> {
    return this.#pods.keys()
  }

  in(namespace: string): Iterable<string> {
    return this.#byNamespace.get(namespace) ?? []
  }

  /**
   * Whether packets from the pod's address are the pod's. An address is given anew as soon as its pod's sandbox is gone, which may be before
   * its pod is: of several pods the youngest has it.
   */
  hasItsAddress(pod: PolicyPod): boolean {
    const address = this.addressOf(pod)
    if (address === undefined) return false
    const claimants = [...(this.#byAddress.get(address) ?? [])].flatMap((key) => this.#pods.get(key) ?? [])
    return claimants.every((other) => other === pod || age(other) < age(pod))
  }

  #file(pod: PolicyPod, key: string, isThere: boolean): void {
    for (const [index, value] of [
      [this.#byNamespace, pod.metadata.namespace ?? ''],
      [this.#byAddress, this.addressOf(pod) ?? ''],
    ] as const) {
      if (value === '') continue
      const keys = index.get(value) ?? new Set()
      if (isThere) index.set(value, keys.add(key))
      else if (keys.delete(key) && keys.size === 0) index.delete(value)
    }
  }
}

/** Greater is younger; no two pods are of one age. */
function age(pod: PolicyPod): string {
  return `${pod.metadata.creationTimestamp ?? ''} ${pod.metadata.uid ?? ''} ${objectKey(pod)}`
}
