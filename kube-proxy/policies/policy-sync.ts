import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Namespace, Node } from '../../shared/openapi/generated/core-v1.ts'
import type { NetworkPolicy } from '../../shared/openapi/generated/networking-v1.ts'
import { podRangeOf } from '../../shared/pods/pod-routes.ts'
import { Bell } from '../../shared/time/bell.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import { PolicyPlan } from './policy-plan.ts'
import type { PolicyPlane } from './policy-plane.ts'
import type { PolicyPod } from './policy-pod.ts'

/** How long after a failure everything is applied anew. */
const RETRY_MILLISECONDS = 1_000

export interface PolicySyncParts {
  policies: Informer<NetworkPolicy>
  nodes: Informer<Node>
  /** All pods and namespaces: asked for when there is a first policy, and filled when the promise resolves. */
  peers: (signal: AbortSignal) => Promise<{ pods: Informer<PolicyPod>; namespaces: Informer<Namespace> }>
  plane: PolicyPlane
  nodeName: string
  /** Whose table this is; default IPv4. */
  family?: IpFamily
  clock: Clock
  log: Logger
}

/** Keeps the table of policies as the API says: one transaction at a time, the whole table after a failure, none while there are no policies. */
export class PolicySync {
  readonly #parts: PolicySyncParts
  readonly #plan: PolicyPlan
  /** What the kernel holds: not known, no table, or the table with everything up to the last changes taken. */
  #applied: 'unknown' | 'none' | 'table' = 'unknown'
  #isFollowed = false
  #isDirty = true
  readonly #bell = new Bell()

  constructor(parts: PolicySyncParts) {
    this.#parts = parts
    this.#plan = new PolicyPlan(parts.nodeName, parts.family)
    parts.policies.onChange((key, policy) => this.#tell(() => this.#plan.setPolicy(key, policy)))
    parts.nodes.onChange((key, node, previous) => {
      const range = node && podRangeOf(node, parts.family ?? 'IPv4')
      if (key !== parts.nodeName || (node && previous && range === podRangeOf(previous, parts.family ?? 'IPv4'))) return
      this.#tell(() => this.#plan.setRange(range))
    })
  }

  /** Whether everything known is applied, and nothing has failed since. */
  get healthy(): boolean {
    return this.#applied !== 'unknown'
  }

  /** Applies until the signal aborts. Policies and nodes must be synced. The rules stay when it ends. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#isDirty = false
        await this.#apply(signal)
        await this.#bell.rung(this.#isDirty, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#applied = 'unknown'
        this.#parts.log.error('network policies could not be applied; everything is tried again', { error })
        await pause(this.#parts.clock, RETRY_MILLISECONDS, signal)
      }
    }
  }

  async #apply(signal: AbortSignal): Promise<void> {
    const { plane, clock, log } = this.#parts
    if (this.#plan.policies === 0) {
      if (this.#applied !== 'none') await plane.remove()
      this.#applied = 'none'
      return
    }
    if (!this.#isFollowed) await this.#follow(signal)
    if (this.#applied === 'table') return plane.update(this.#plan.changes())
    const began = clock.monotonic()
    await plane.replace(this.#plan.whole())
    this.#applied = 'table'
    log.info('all network policies are applied', { policies: this.#plan.policies, milliseconds: Math.round(clock.monotonic() - began) })
  }

  /** A cluster without policies does not send every pod to every node. Once there was one, pods are followed until the process ends. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { pods, namespaces } = await this.#parts.peers(signal)
    namespaces.onChange((key, namespace) => this.#tell(() => this.#plan.setNamespace(key, namespace && (namespace.metadata.labels ?? {}))))
    pods.onChange((key, pod) => this.#tell(() => this.#plan.setPod(key, pod)))
    this.#isFollowed = true
  }

  #tell(change: () => void): void {
    change()
    this.#isDirty = true
    this.#bell.ring()
  }
}
