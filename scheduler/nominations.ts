import type { PodInfo } from './pod-info.ts'

const nobody: ReadonlyMap<string, PodInfo> = new Map()

/** Which pods wait for room that is being made for them, and on which node. */
export class Nominations {
  readonly #nodes = new Map<string, string>()
  readonly #pods = new Map<string, Map<string, PodInfo>>()

  /** How many pods wait so. */
  get size(): number {
    return this.#nodes.size
  }

  nodeOf(uid: string): string | undefined {
    return this.#nodes.get(uid)
  }

  /** By uid. */
  on(node: string): ReadonlyMap<string, PodInfo> {
    return this.#pods.get(node) ?? nobody
  }

  set(info: PodInfo, node: string): void {
    this.delete(info.uid)
    this.#nodes.set(info.uid, node)
    this.#pods.set(node, (this.#pods.get(node) ?? new Map()).set(info.uid, info))
  }

  delete(uid: string): void {
    const node = this.#nodes.get(uid)
    if (node === undefined) return
    this.#nodes.delete(uid)
    const pods = this.#pods.get(node)
    pods?.delete(uid)
    if (pods?.size === 0) this.#pods.delete(node)
  }
}
