import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ProbeResult } from '../probes/prober.ts'
import type { ContainerStatus } from '../runtime/container-runtime.ts'
import { newestOf, type ObservedPod } from './observed-pod.ts'
import type { AnyContainer, ContainerKind } from './pod-containers.ts'
import { effectivePolicy, shouldStart } from './restart-policy.ts'

/** Everything a plan depends on. Same input, same plan. */
export interface PlanInput {
  pod: Pod
  observed: ObservedPod
  probe: (container: ContainerStatus) => ProbeResult
  /** When a container that ended may be started again (milliseconds since the epoch). */
  restartAllowedAt: (container: ContainerStatus) => number
  /** It was stopped in order to start again, whatever the restart policy says. */
  mustRestart?: ((container: ContainerStatus) => boolean) | undefined
  now: number
}

export interface StartStep {
  kind: ContainerKind
  container: AnyContainer
  attempt: number
  /** Milliseconds since the epoch when its predecessor ended; counts towards back-off. */
  previousEnd?: number | undefined
}

export interface StopStep {
  status: ContainerStatus
  /** Why, as the Killing event says it. */
  message: string
  graceSeconds?: number | undefined
  /** It is stopped to be started anew, however it ends. */
  restarts?: boolean | undefined
}

/** A container that waits for its back-off to end. */
export interface HoldStep {
  name: string
  until: number
  delay: number
}

export interface Steps {
  stop: StopStep[]
  start: StartStep[]
  hold: HoldStep[]
}

export function mergeSteps(parts: readonly Steps[]): Steps {
  return {
    stop: parts.flatMap((part) => part.stop),
    start: parts.flatMap((part) => part.start),
    hold: parts.flatMap((part) => part.hold),
  }
}

/** What one container needs that should be running now. `here` are the containers of the living sandbox. */
export function stepFor(input: PlanInput, here: ObservedPod, kind: ContainerKind, container: AnyContainer): Steps {
  const steps: Steps = { stop: [], start: [], hold: [] }
  const { pod, observed, now } = input
  const current = newestOf(here, container.name)
  if (current?.state === 'running') {
    const stop = reasonToStop(input, kind, container, current)
    if (stop) steps.stop.push(stop)
    return steps
  }
  // The app's past counts across sandboxes (what has completed stays completed); init containers begin again in each.
  const last = newestOf(observed, container.name)
  const judged = kind === 'app' ? last : current
  if (judged && judged.state !== 'running' && !input.mustRestart?.(judged) && !shouldStart(pod, kind, container, judged)) return steps
  const ended = last?.state === 'exited' ? last : undefined
  const allowedAt = ended ? input.restartAllowedAt(ended) : now
  if (ended && allowedAt > now) {
    steps.hold.push({ name: container.name, until: allowedAt, delay: allowedAt - (ended.finishedAt ?? allowedAt) })
    return steps
  }
  steps.start.push({ kind, container, attempt: nextAttempt(pod, container.name, last), previousEnd: ended?.finishedAt })
  return steps
}

function reasonToStop(
  { pod, probe }: PlanInput,
  kind: ContainerKind,
  container: AnyContainer,
  current: ContainerStatus,
): StopStep | undefined {
  if (container.image !== undefined && current.image !== container.image) {
    return { status: current, message: `Container ${container.name} definition changed, will be restarted`, restarts: true }
  }
  const { failed } = probe(current)
  if (!failed) return undefined
  const message = `Container ${container.name} failed ${failed.probe} probe, will be restarted`
  return { status: current, message, graceSeconds: failed.graceSeconds, restarts: effectivePolicy(pod, kind, container) !== 'Never' }
}

/** Restarts are counted on the containers; where those are lost (a new disk), on what the API server remembers. */
function nextAttempt(pod: Pod, name: string, last: ContainerStatus | undefined): number {
  if (last) return last.state === 'created' ? last.attempt : last.attempt + 1
  const remembered = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find((one) => one.name === name)
  const ran = remembered?.state.running ?? remembered?.state.terminated ?? remembered?.lastState.terminated
  return remembered && ran ? remembered.restartCount + 1 : 0
}
