import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { hostPortsClash, hostPortsOf } from '../../shared/pods/host-ports.ts'
import { matchesNode } from '../../shared/pods/node-affinity.ts'
import { type Amounts, amountsOf, podRequests } from '../../shared/pods/resource-requests.ts'
import { tolerates } from '../../shared/pods/tolerations.ts'
import { PRESSURE_CONDITIONS, type PressureKind } from '../node/pressure.ts'
import type { Phase } from '../status/pod-phase.ts'
import { qosClassOf } from '../status/qos-class.ts'
import { podsThatMakeRoom } from './critical-room.ts'
import { type MachineSupport, unsupported } from './node-support.ts'
import { isCriticalPod } from './pod-kinds.ts'
import { inResizeOrder } from './resize-order.ts'

/** A pod ended by the kubelet itself, as its status says it. */
export interface Verdict {
  phase: Phase
  reason: string
  message: string
  /** It was never let in: nothing of it was or will be made. */
  isRefusal?: boolean
  /** Seconds that its containers get at most; absent: what the pod says. */
  graceSeconds?: number
  /** It ends for the node's sake, which its condition DisruptionTarget says. */
  isDisruption?: boolean
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
  /** Grants a pod that is there what it asks for now, and counts that; or says why not. Room goes to whose wish comes first (`resize-order.ts`). */
  resize(pod: Pod): ResizeRefusal | undefined
  /** The pod does not wait to be resized any more. */
  forgo(podUid: string): void
  /** The pod has ended: what it took is free. */
  release(podUid: string): void
  /** Called whenever a pod has given something back. Returns how to stop that. */
  onFreed(listener: () => void): () => void
}

/** What keeps a node from taking pods for a while. */
export interface NodeStrain {
  pressure(): ReadonlySet<PressureKind>
  /** The machine is about to go down. */
  isShuttingDown?(): boolean
  /** Ends pods so that a critical one can run; absent: a full node is full for that one, too. */
  makeRoom?(victims: readonly Pod[]): void
}

const NO_STRAIN: NodeStrain = { pressure: () => new Set() }

/** Why a pod is not resized: there is no room now, or there never will be. */
export interface ResizeRefusal {
  reason: 'Deferred' | 'Infeasible'
  message: string
}

export function podAdmission(node: () => Node | undefined, machine: MachineSupport, strain: NodeStrain = NO_STRAIN): PodAdmission {
  const admitted = new Map<string, { pod: Pod; requests: Amounts }>()
  /** Wishes to be resized that had to wait, by pod; longest first. */
  const waiting = new Map<string, Pod>()
  const listeners = new Set<() => void>()
  const freed = () => {
    for (const listener of listeners) listener()
  }
  /** As if all who come before it had what they wait for, where there is room for that. */
  function inTurn(pod: Pod, place: Node): ResizeRefusal | undefined {
    const held = new Map(admitted)
    for (const one of inResizeOrder([...waiting.values()], ({ metadata }) => admitted.get(metadata.uid ?? '')?.requests)) {
      const { uid = '' } = one.metadata
      const refusal = resizeRefusal(
        one,
        place,
        [...held].filter(([other]) => other !== uid).map(([, other]) => other),
      )
      if (one === pod) return refusal
      if (!refusal) held.set(uid, { pod: one, requests: podRequests(one.spec) })
    }
    return undefined
  }
  /** Finds room for a pod, for a critical one at the cost of others; or says what is short. */
  function fill(pod: Pod, place: Node, others: readonly { pod: Pod; requests: Amounts }[]): Verdict | undefined {
    const lacking = [...shortagesOf(pod, place, others)]
    const [first] = lacking
    if (!first) return undefined
    const missing = new Map(lacking.map(({ name, amount, used, total }) => [name, used + amount - total]))
    const victims =
      strain.makeRoom && isCriticalPod(pod)
        ? podsThatMakeRoom(
            pod,
            missing,
            others.map((other) => other.pod),
          )
        : undefined
    if (!victims) return refused(`OutOf${first.name}`, shortageText(first))
    // What they hold is promised from now on, although they take their grace to end.
    for (const { metadata } of victims) admitted.delete(metadata.uid ?? '')
    strain.makeRoom?.(victims)
    return undefined
  }
  const count = (pod: Pod) => admitted.set(pod.metadata.uid ?? '', { pod, requests: podRequests(pod.spec) })

  return {
    adopt: (pod) => void count(pod),
    release(uid) {
      waiting.delete(uid)
      if (admitted.delete(uid)) freed()
    },
    onFreed(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    resize(pod) {
      const place = node()
      const { uid = '' } = pod.metadata
      waiting.set(uid, pod)
      const refusal = place && inTurn(pod, place)
      if (refusal?.reason === 'Deferred') return refusal
      waiting.delete(uid)
      if (refusal) return refusal
      const before = admitted.get(uid)?.requests
      count(pod)
      const now = podRequests(pod.spec)
      if ([...(before ?? [])].some(([name, amount]) => (now.get(name) ?? 0) < amount)) freed()
      return undefined
    },
    forgo: (uid) => void waiting.delete(uid),
    admit(pod) {
      const place = node()
      const others = [...admitted.values()].filter((one) => one.pod.metadata.uid !== pod.metadata.uid)
      const unfit = strainRefusal(pod, strain) ?? unsupported(pod, machine)
      // A node that has not been seen yet cannot be full.
      const verdict = unfit ? refused(unfit.reason, unfit.message) : place && (misfit(pod, place, others) ?? fill(pod, place, others))
      if (!verdict) count(pod)
      return verdict
    },
  }
}

/** Why the node takes no more pods of this sort now. */
function strainRefusal(pod: Pod, strain: NodeStrain): { reason: string; message: string } | undefined {
  if (strain.isShuttingDown?.()) return { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }
  const kinds = strain.pressure()
  if (kinds.size === 0 || isCriticalPod(pod)) return undefined
  if (kinds.size === 1 && kinds.has('memory')) {
    // Short of memory alone: who asks for some has its share; who asks for none would be the first to go.
    if (qosClassOf(pod) !== 'BestEffort') return undefined
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule', value: '' }
    if ((pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint))) return undefined
  }
  const conditions = [...kinds].map((kind) => PRESSURE_CONDITIONS[kind]).join(' ')
  return { reason: 'Evicted', message: `The node had condition: [${conditions}]. ` }
}

/** What is wrong with this node for the pod besides what it has too little of. */
function misfit(pod: Pod, node: Node, others: readonly { pod: Pod }[]): Verdict | undefined {
  if (!matchesNode(pod.spec, node)) {
    return refused('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
  }
  // Pods on the host's network take the ports that they name, too.
  const taken = others.flatMap((other) => hostPortsOf(other.pod))
  // The kubelet's own port, mapped to a pod, would cut the API server off from the node.
  const own = node.status.daemonEndpoints.kubeletEndpoint.Port
  const wanted = hostPortsOf(pod)
  const takesOurs = wanted.some(({ hostPort, protocol }) => hostPort === own && protocol === 'TCP')
  if (takesOurs || wanted.some((port) => taken.some((held) => hostPortsClash(held, port)))) {
    return refused('NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
  }
  return undefined
}

interface Shortage {
  readonly name: string
  readonly amount: number
  readonly used: number
  readonly total: number
}

/** What of a pod does not fit beside others, its place among them included. */
function* shortagesOf(pod: Pod, node: Node, others: readonly { requests: Amounts }[]): Iterable<Shortage> {
  const capacity = amountsOf(node.status.allocatable)
  const places = capacity.get('pods')
  if (places !== undefined && others.length + 1 > places) yield { name: 'pods', amount: 1, used: others.length, total: places }
  yield* shortages(pod, capacity, others)
}

/** What of a pod's amounts does not fit beside others. */
function* shortages(pod: Pod, capacity: Amounts, others: readonly { requests: Amounts }[]): Iterable<Shortage> {
  for (const [name, amount] of podRequests(pod.spec)) {
    if (amount === 0) continue
    const used = others.reduce((sum, other) => sum + (other.requests.get(name) ?? 0), 0)
    const total = capacity.get(name) ?? 0
    if (used + amount > total) yield { name, amount, used, total }
  }
}

function resizeRefusal(pod: Pod, node: Node, others: readonly { requests: Amounts }[]): ResizeRefusal | undefined {
  const lacking = [...shortages(pod, amountsOf(node.status.allocatable), others)].filter(({ name }) => name === 'cpu' || name === 'memory')
  const never = lacking.find(({ amount, total }) => amount > total)
  if (never) {
    const message = `Node didn't have enough capacity: ${never.name}, requested: ${never.amount}, capacity: ${never.total}`
    return { reason: 'Infeasible', message }
  }
  const [first] = lacking
  return first && { reason: 'Deferred', message: shortageText(first) }
}

function shortageText({ name, amount, used, total }: Shortage): string {
  return `Node didn't have enough resource: ${name}, requested: ${amount}, used: ${used}, capacity: ${total}`
}

function refused(reason: string, why: string): Verdict {
  return { phase: 'Failed', reason, message: `Pod was rejected: ${why}`, isRefusal: true }
}
