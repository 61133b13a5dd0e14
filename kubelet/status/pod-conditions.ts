import type { ContainerStatus, Pod, PodCondition } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { isSidecar } from '../pods/pod-containers.ts'
import type { Phase } from './pod-phase.ts'

interface Verdict {
  status: 'True' | 'False'
  reason?: string
  message?: string
}

export interface ConditionFacts {
  pod: Pod
  phase: Phase
  init: readonly ContainerStatus[]
  app: readonly ContainerStatus[]
  /** The sandbox lives and is connected. */
  sandboxReady: boolean
  /** How a change of its resources goes on; absent: none does. */
  resize?: ResizeState | undefined
  /** Why the node itself ends the pod. */
  disruption?: string | undefined
  now: number
}

/** A wish for other resources that waits, or that was granted and is being carried out (KEP-1287). */
export interface ResizeState {
  pending?: { reason: string; message: string } | undefined
  progress?: { reason?: string; message?: string } | undefined
}

/** The kubelet's own conditions; whatever else stands on the pod (gates, disruption) is somebody else's. */
export function podConditions(facts: ConditionFacts): PodCondition[] {
  const containersReady = containersReadyVerdict(facts)
  // Who names a node in the spec passes the scheduler by, and with it the one who says this.
  const scheduled = facts.pod.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'True')
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: facts.sandboxReady ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(facts)],
    ['Ready', readyVerdict(facts, containersReady)],
    ['ContainersReady', containersReady],
  ]
  const { pending, progress } = facts.resize ?? {}
  if (pending) verdicts.push(['PodResizePending', { status: 'True', ...pending }])
  if (progress) verdicts.push(['PodResizeInProgress', { status: 'True', ...progress }])
  if (facts.disruption !== undefined)
    verdicts.push(['DisruptionTarget', { status: 'True', reason: 'TerminationByKubelet', message: facts.disruption }])
  const own = verdicts.map(([type, verdict]) => condition(facts, type, verdict))
  return [...own, scheduled ?? condition(facts, 'PodScheduled', { status: 'True' })]
}

/** One condition; its transition time moves only with its status. */
export function condition({ pod, now }: Pick<ConditionFacts, 'pod' | 'now'>, type: string, verdict: Verdict): PodCondition {
  const previous = pod.status.conditions?.find((one) => one.type === type)
  const moved = previous?.status !== verdict.status
  return {
    type,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    ...verdict,
    lastProbeTime: null,
    lastTransitionTime: moved ? timestamp(now) : previous.lastTransitionTime,
  }
}

function initializedVerdict({ pod, phase, init, app }: ConditionFacts): Verdict {
  const containers = pod.spec.initContainers ?? []
  if (containers.length === 0) return { status: 'True' }
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  // Once the app has run the pod stays initialised, whatever its init containers have become.
  if (app.some(({ state, lastState }) => state.running || state.terminated || lastState.terminated)) return { status: 'True' }
  const incomplete = containers.filter((container) => {
    const status = init.find(({ name }) => name === container.name)
    return isSidecar(container) ? !status?.started : !status?.ready
  })
  if (incomplete.length === 0) return { status: 'True' }
  const names = incomplete.map(({ name }) => name).join(' ')
  return { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${names}]` }
}

function containersReadyVerdict({ pod, phase, init, app }: ConditionFacts): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
  const unready = [
    ...sidecars.filter(({ name }) => !init.find((status) => status.name === name)?.ready),
    ...pod.spec.containers.filter(({ name }) => !app.find((status) => status.name === name)?.ready),
  ]
  if (unready.length === 0) return { status: 'True' }
  const names = unready.map(({ name }) => name).join(' ')
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${names}]` }
}

function readyVerdict({ pod }: ConditionFacts, containersReady: Verdict): Verdict {
  if (containersReady.status === 'False') return containersReady
  const problems: string[] = []
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = pod.status.conditions?.find(({ type }) => type === conditionType)
    if (!gate) problems.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (gate.status !== 'True') problems.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`)
  }
  if (problems.length === 0) return { status: 'True' }
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') }
}
