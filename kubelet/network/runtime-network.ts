import { join } from 'node:path'
import type { Clock } from '../../shared/time/clock.ts'
import { defaultNetwork, offerNetwork } from './cni-config.ts'
import type { NodeNetwork } from './pod-network.ts'

export interface RuntimeNetworkOptions {
  /** Where the runtime looks for a network; whoever wants another than ours puts it here. e.g. `/etc/cni/net.d` */
  configDir: string
  /** On tmpfs, e.g. `/run/coxswain/network`: addresses in use. */
  stateDir: string
  /** One a family; none until the controller manager has given this node its ranges. */
  podRanges: () => readonly string[]
  mtu: number
  /** What the runtime says: why it cannot connect pods, or undefined. */
  runtimeProblem: (signal: AbortSignal) => Promise<string | undefined>
  clock: Clock
}

/** How long a runtime may take to see a new configuration, which it is told by the kernel. Milliseconds. */
const PATIENCE = 2_000
const LOOK_AGAIN = 50
/** A runtime that does not answer for so long has no network to speak of. Milliseconds. */
const ANSWER = 10_000

/** The network of a runtime that calls CNI by itself: all the kubelet does is to say which network, from the node's pod range. */
export function runtimeNetwork(options: RuntimeNetworkOptions): NodeNetwork {
  const { configDir, stateDir, mtu, clock } = options

  async function ask(): Promise<string | undefined> {
    const limit = new AbortController()
    const timer = clock.after(ANSWER, () => limit.abort(new Error('the container runtime does not answer')))
    try {
      return await options.runtimeProblem(limit.signal)
    } finally {
      timer.cancel()
    }
  }

  async function problem(): Promise<string | undefined> {
    const podRanges = options.podRanges()
    const offered =
      podRanges.length > 0 && (await offerNetwork(configDir, defaultNetwork({ podRanges, mtu, ipamDir: join(stateDir, 'addresses') })))
    const deadline = clock.monotonic() + (offered ? PATIENCE : 0)
    for (;;) {
      const found = await ask()
      if (found === undefined) return undefined
      if (clock.monotonic() >= deadline) return podRanges.length === 0 ? `this node has no pod range yet; ${found}` : found
      await clock.sleep(LOOK_AGAIN)
    }
  }

  return {
    async problem() {
      try {
        return await problem()
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
    // The runtime keeps its own record of what is whose.
    reclaim: async () => {},
  }
}
