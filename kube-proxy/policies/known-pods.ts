import { objectKey } from '../../shared/objects/object.ts'
import type { PolicyPod } from './policy-pod.ts'

/** All pods, by name, by namespace, and by the address that they have. */
export class KnownPods {
  readonly #pods = new Map<string, PolicyPod>()
  readonly #byNamespace = new Map<string, Set<string>>()
  readonly #byAddress = new Map<string, Set<string>>()

  /** @returns the pods to which something is different now: it, and who has or lost an address by this */
  set(key: string, pod: PolicyPod | undefined): Set<string> {
    const before = this.#pods.get(key)
    const changed = new Set([key])
    for (const address of [before?.address, pod?.address]) for (const other of this.#byAddress.get(address ?? '') ?? []) changed.add(other)
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
    if (pod.address === undefined) return false
    const claimants = [...(this.#byAddress.get(pod.address) ?? [])].flatMap((key) => this.#pods.get(key) ?? [])
    return claimants.every((other) => other === pod || age(other) < age(pod))
  }

  #file(pod: PolicyPod, key: string, isThere: boolean): void {
    for (const [index, value] of [
      [this.#byNamespace, pod.metadata.namespace ?? ''],
      [this.#byAddress, pod.address ?? ''],
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
