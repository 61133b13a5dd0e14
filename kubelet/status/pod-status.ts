import type { PodStatus } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { liveSandbox, runningOf } from '../pods/observed-pod.ts'
import type { Verdict } from '../pods/pod-admission.ts'
import { type ContainerView, containerStatus } from './container-statuses.ts'
import { podConditions, type ResizeState } from './pod-conditions.ts'
import { type Phase, phaseOf } from './pod-phase.ts'
import { qosClassOf } from './qos-class.ts'

export interface StatusInput extends ContainerView {
  hostIPs: readonly string[]
  resize?: ResizeState | undefined
  now: number
  /** The kubelet ended the pod for a reason of its own (deadline, eviction, refusal): that decides phase and reason. */
  verdict?: Verdict | undefined
}

/** What the kubelet says about a pod, from what was observed; never from what was intended. */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, now, verdict } = input
  const init = (pod.spec.initContainers ?? []).map((container) => containerStatus(input, 'init', container))
  const app = pod.spec.containers.map((container) => containerStatus(input, 'app', container))
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) => containerStatus(input, 'ephemeral', container))
  const statuses = {
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: app,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
  }
  // What still runs has not ended: others take an ended pod's place and what it had (upstream's rule).
  const end = runningOf(observed).length === 0 ? verdict : undefined
  const phase = settledPhase(input.pod.status.phase, end?.phase ?? phaseOf(pod, init, app, input.finished))
  const sandbox = liveSandbox(observed)
  const ips = podIPs(input)
  const kept: { reason?: string | undefined; message?: string | undefined } = end ?? pod.status
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: podConditions({
      pod,
      phase,
      init,
      app,
      sandboxReady: sandbox !== undefined,
      resize: input.resize,
      disruption: verdict?.isDisruption ? verdict.message : undefined,
      now,
    }),
    ...(kept.message ? { message: kept.message } : {}),
    ...(kept.reason ? { reason: kept.reason } : {}),
    hostIP: input.hostIPs[0],
    hostIPs: input.hostIPs.map((ip) => ({ ip })),
    ...(ips.length > 0 ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: pod.status.startTime ?? timestamp(now),
    ...(wasRefused(input) ? {} : statuses),
    qosClass: pod.status.qosClass ?? qosClassOf(pod),
  }
}

/** Of a pod that was not let in there are no containers to speak of; so it stays, also when the kubelet has forgotten why. */
function wasRefused({ pod: { status }, observed, verdict }: StatusInput): boolean {
  if (observed.containers.length > 0 || observed.sandboxes.length > 0) return false
  return verdict?.isRefusal ?? (status.phase === 'Failed' && status.containerStatuses === undefined)
}

/** A pod that has ended stays ended. */
function settledPhase(previous: string | undefined, next: Phase): Phase {
  return previous === 'Succeeded' || previous === 'Failed' ? previous : next
}

/** Addresses of the living sandbox; a pod that has lost it for good keeps showing its last. */
function podIPs({ pod, observed, hostIPs, finished }: StatusInput): readonly string[] {
  const sandbox = liveSandbox(observed)
  if (sandbox) return pod.spec.hostNetwork ? hostIPs : sandbox.ips
  const leaving = finished || pod.metadata.deletionTimestamp !== undefined
  return leaving ? (pod.status.podIPs ?? []).map(({ ip }) => ip) : []
}
