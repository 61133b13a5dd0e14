import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { matchesNode } from '../../shared/pods/node-affinity.ts'
import { type Amounts, amountsOf, podRequests } from '../../shared/pods/resource-requests.ts'
import { hostPortsOf } from '../network/host-ports.ts'
import type { Phase } from '../status/pod-phase.ts'
import { type MachineSupport, unsupported } from './node-support.ts'

/** A pod ended by the kubelet itself, as its status says it. */
export interface Verdict {
  phase: Phase
  reason: string
  message: string
  /** It was never let in: nothing of it was or will be made. */
  isRefusal?: boolean
}

/**
 * The last check before a pod starts: somebody may have bound it without asking the scheduler, or two schedulers may have filled the same
 * place. A refused pod fails at once, and whoever owns it makes another.
 */
export interface PodAdmission {
  /** Admits the pod and counts what it takes, or says why not. */
  admit(pod: Pod): Verdict | undefined
  /** Counts a pod that runs already, whatever the check would say today. */
  adopt(pod: Pod): void
  /** The pod has ended: what it took is free. */
  release(podUid: string): void
}

export function podAdmission(node: () => Node | undefined, machine: MachineSupport): PodAdmission {
  const admitted = new Map<string, { pod: Pod; requests: Amounts }>()
  const count = (pod: Pod) => admitted.set(pod.metadata.uid ?? '', { pod, requests: podRequests(pod.spec) })

  return {
    adopt: (pod) => void count(pod),
    release: (uid) => void admitted.delete(uid),
    admit(pod) {
      const place = node()
      const others = [...admitted.values()].filter((one) => one.pod.metadata.uid !== pod.metadata.uid)
      const unfit = unsupported(pod, machine)
      // A node that has not been seen yet cannot be full.
      const verdict = unfit ? refused(unfit.reason, unfit.message) : place && refusal(pod, place, others)
      if (!verdict) count(pod)
      return verdict
    },
  }
}

function refusal(pod: Pod, node: Node, others: readonly { pod: Pod; requests: Amounts }[]): Verdict | undefined {
  if (!matchesNode(pod.spec, node)) {
    return refused('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
  }
  const taken = new Set(others.flatMap((other) => portKeys(other.pod)))
  // The kubelet's own port, mapped to a pod, would cut the API server off from the node.
  const own = node.status.daemonEndpoints.kubeletEndpoint.Port
  const takesOurs = hostPortsOf(pod).some(({ hostPort, protocol }) => hostPort === own && protocol === 'TCP')
  if (takesOurs || portKeys(pod).some((port) => taken.has(port))) {
    return refused('NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
  }
  const capacity = amountsOf(node.status.allocatable)
  const pods = capacity.get('pods')
  if (pods !== undefined && others.length + 1 > pods) return shortage('pods', 1, others.length, pods)
  for (const [name, amount] of podRequests(pod.spec)) {
    if (amount === 0) continue
    const used = others.reduce((sum, other) => sum + (other.requests.get(name) ?? 0), 0)
    const total = capacity.get(name) ?? 0
    if (used + amount > total) return shortage(name, amount, used, total)
  }
  return undefined
}

function shortage(resource: string, requested: number, used: number, capacity: number): Verdict {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
  return refused(`OutOf${resource}`, `Node didn't have enough resource: ${resource}, ${amounts}`)
}

function refused(reason: string, why: string): Verdict {
  return { phase: 'Failed', reason, message: `Pod was rejected: ${why}`, isRefusal: true }
}

/** Host-network pods take the ports they name, too. */
function portKeys(pod: Pod): string[] {
  return hostPortsOf(pod).map(({ hostPort, protocol, hostIP }) => `${hostIP ?? '0.0.0.0'}/${protocol}/${hostPort}`)
}
