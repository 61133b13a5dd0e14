import type { ContainerStateTerminated, ContainerStatus, Pod } from '../../../shared/openapi/generated/core-v1.ts'
import { parseTimestamp } from '../../../shared/time/timestamp.ts'
import { sinceCell } from '../table-cells.ts'

/** What `kubectl get pods` says of a pod in READY, STATUS and RESTARTS. */
export interface PodCells {
  /** `1/2`: ready ones of all containers that are to go on running. */
  readonly ready: string
  readonly status: string
  /** `3 (5s ago)`. */
  readonly restarts: string
}

interface Summary {
  status: string
  ready: number
  restarts: number
  lastRestart: string | undefined
}

/** Upstream's rules for the one word that describes a pod: init containers first, then the last container with something to say, then deletion. */
export function podCells(pod: Pod, now: number): PodCells {
  const init = summarizeInit(pod)
  const isInitialized = pod.status.conditions?.some((each) => each.type === 'Initialized' && each.status === 'True') ?? false
  const summary = init.initializing && !isInitialized ? init : summarizeContainers(pod, init)
  const { restarts, lastRestart } = summary
  const sidecars = (pod.spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always').length
  return {
    ready: `${summary.ready}/${pod.spec.containers.length + sidecars}`,
    status: deletionStatus(pod) ?? summary.status,
    restarts: restarts > 0 && lastRestart ? `${restarts} (${sinceCell(lastRestart, now)} ago)` : `${restarts}`,
  }
}

function deletionStatus({ metadata, status }: Pod): string | undefined {
  if (!metadata.deletionTimestamp) return undefined
  if (status.reason === 'NodeLost') return 'Unknown'
  return status.phase === 'Succeeded' || status.phase === 'Failed' ? undefined : 'Terminating'
}

function phaseOf({ status }: Pod): string {
  const gated = status.conditions?.some((each) => each.type === 'PodScheduled' && each.reason === 'SchedulingGated')
  return gated ? 'SchedulingGated' : status.reason || status.phase || ''
}

interface InitSummary extends Summary {
  initializing: boolean
  /** Of sidecars alone, which go on counting after initialisation. */
  sidecarRestarts: number
  lastSidecarRestart: string | undefined
}

function summarizeInit(pod: Pod): InitSummary {
  const summary: InitSummary = {
    ...{ status: phaseOf(pod), ready: 0, restarts: 0, lastRestart: undefined },
    ...{ initializing: false, sidecarRestarts: 0, lastSidecarRestart: undefined },
  }
  const declared = pod.spec.initContainers ?? []
  for (const [index, container] of (pod.status.initContainerStatuses ?? []).entries()) {
    const isSidecar = declared.find((each) => each.name === container.name)?.restartPolicy === 'Always'
    const finished = container.lastState.terminated?.finishedAt
    summary.restarts += container.restartCount
    summary.lastRestart = later(summary.lastRestart, finished)
    if (isSidecar) {
      summary.sidecarRestarts += container.restartCount
      summary.lastSidecarRestart = later(summary.lastSidecarRestart, finished)
    }
    const { terminated, waiting } = container.state
    if (terminated?.exitCode === 0) continue
    if (isSidecar && container.started) {
      if (container.ready) summary.ready++
      continue
    }
    summary.initializing = true
    if (terminated) summary.status = `Init:${endReason(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.status = `Init:${waiting.reason}`
    else summary.status = `Init:${index}/${declared.length}`
    break
  }
  return summary
}

function summarizeContainers(pod: Pod, init: InitSummary): Summary {
  const summary: Summary = {
    ...{ status: init.status, ready: init.ready, restarts: init.sidecarRestarts, lastRestart: init.lastSidecarRestart },
  }
  let hasRunning = false
  for (const container of (pod.status.containerStatuses ?? []).toReversed()) {
    summary.restarts += container.restartCount
    summary.lastRestart = later(summary.lastRestart, container.lastState.terminated?.finishedAt)
    const word = stateWord(container)
    if (word) summary.status = word
    else if (container.ready && container.state.running) {
      hasRunning = true
      summary.ready++
    }
  }
  if (summary.status === 'Completed' && hasRunning) {
    const isReady = pod.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')
    summary.status = isReady ? 'Running' : 'NotReady'
  }
  return summary
}

function stateWord({ state }: ContainerStatus): string | undefined {
  if (state.waiting?.reason) return state.waiting.reason
  return state.terminated ? endReason(state.terminated) : undefined
}

function endReason({ reason, signal, exitCode }: ContainerStateTerminated): string {
  if (reason) return reason
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

function later(a: string | undefined, b: string | null | undefined): string | undefined {
  const [first, second] = [parseTimestamp(a), parseTimestamp(b ?? undefined)]
  if (second === undefined) return a
  return first === undefined || second > first ? (b ?? undefined) : a
}
