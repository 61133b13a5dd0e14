import type { HostPort } from '../../shared/pods/host-ports.ts'

/** A sandbox as the network sees it. */
export interface NetworkSandbox {
  id: string
  pod: { namespace: string; name: string; uid: string }
  /** Ports of the node that lead to it; pods on the host's network listen there themselves and have none here. */
  hostPorts: readonly HostPort[]
  bandwidth?: Bandwidth | undefined
}

/** The most that a pod gets (`ingress`) and sends (`egress`), in bits per second; without one as much as there is. */
export interface Bandwidth {
  readonly ingress?: number | undefined
  readonly egress?: number | undefined
}

/**
 * What the kubelet asks of the network, whoever connects sandboxes to it: itself (`PodNetwork`), or a runtime that calls CNI by itself
 * (runtime-network.ts).
 */
export interface NodeNetwork {
  /** Why pods cannot be connected yet (no pod range, plugin missing), or undefined. The node's Ready condition shows it. */
  problem(): Promise<string | undefined>
  /** Takes back what sandboxes left behind that no longer live. Called at start. */
  reclaim(living: ReadonlySet<string>): Promise<void>
}

/** Connects sandboxes to the pod network, for runtimes that do not. Drivers: cni-network.ts. */
export interface PodNetwork extends NodeNetwork {
  /**
   * Gives the sandbox an interface in the network namespace `netns` (a path) and returns its addresses. What a failure left half done
   * is undone before this throws; the sandbox should be thrown away then.
   */
  attach(sandbox: NetworkSandbox, netns: string, signal: AbortSignal): Promise<string[]>
  /**
   * Takes addresses and ports back; of an unknown sandbox: nothing. `netns` is undefined when the namespace has gone, never a path that
   * could belong to somebody else by now.
   */
  detach(sandboxId: string, netns: string | undefined): Promise<void>
  /** Addresses given to a sandbox; undefined when it was never connected completely. Survives a restart of the kubelet. */
  addresses(sandboxId: string): Promise<string[] | undefined>
}
