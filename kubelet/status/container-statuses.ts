import type { ContainerStateTerminated, ContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { actualResources } from '../containers/container-resources.ts'
import { instancesOf, type ObservedPod } from '../pods/observed-pod.ts'
import { type AnyContainer, type ContainerKind, isSidecar } from '../pods/pod-containers.ts'
import type { ProbeResult } from '../probes/prober.ts'
import type { ContainerStatus as Observed } from '../runtime/container-runtime.ts'

export interface WaitingReason {
  reason: string
  message?: string | undefined
}

export interface ContainerView {
  pod: Pod
  observed: ObservedPod
  /** Why a container is not running, where somebody knows (pull errors, back-off). */
  waiting: ReadonlyMap<string, WaitingReason>
  probe: (container: Observed) => ProbeResult
  /** What a container left in its termination message file. */
  terminationMessage: (container: Observed) => string | undefined
  /** How the runtime's ids are written in the API, e.g. `docker`. */
  runtimeName: string
  /** The references images are known by, for `imageID`. */
  imageReference: (imageId: string) => string
  finished: boolean
}

/** What a container that vanished is said to have ended with. */
const LOST: ContainerStateTerminated = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
  startedAt: null,
  finishedAt: null,
}

/** The status of one container of the spec: what runs or ran, and what is to come. */
export function containerStatus(view: ContainerView, kind: ContainerKind, container: AnyContainer): ContainerStatus {
  const [newest, ...older] = instancesOf(view.observed, container.name)
  const previous = previousStatus(view.pod, kind, container.name)
  if (!newest) return unseenStatus(view, kind, container, previous)

  const before = older.find(({ state }) => state === 'exited')
  const lastEnd = before
    ? ended(view, before)
    : previous?.containerID === containerId(view, newest)
      ? previous.lastState.terminated
      : undefined
  const waiting = view.waiting.get(container.name)
  const common = {
    name: container.name,
    image: newest.image,
    imageID: view.imageReference(newest.imageId),
    restartCount: newest.attempt,
    containerID: containerId(view, newest),
    ...resourcesOf(container, newest),
  }
  const last = lastEnd ? { terminated: lastEnd } : {}

  if (newest.state === 'running') {
    const { ready, started } = view.probe(newest)
    const isReady = kind === 'app' || (kind === 'init' && isSidecar(container)) ? ready : false
    return {
      ...common,
      state: { running: { startedAt: newest.startedAt === undefined ? null : timestamp(newest.startedAt) } },
      lastState: last,
      ready: isReady,
      started: kind === 'ephemeral' ? true : started,
    }
  }
  if (newest.state === 'exited' && !(waiting && !view.finished)) {
    const done = kind === 'init' && !isSidecar(container) && newest.exitCode === 0
    return { ...common, state: { terminated: ended(view, newest) }, lastState: last, ready: done, started: false }
  }
  const state = { waiting: withoutEmpty(waiting ?? defaultWaiting(view.pod, kind)) }
  const lastState = newest.state === 'exited' ? { terminated: ended(view, newest) } : last
  return { ...common, state, lastState, ready: false, started: false }
}

/** A container the runtime has nothing of: not created yet, or lost. */
function unseenStatus(
  view: ContainerView,
  kind: ContainerKind,
  container: AnyContainer,
  previous: ContainerStatus | undefined,
): ContainerStatus {
  const waiting = view.waiting.get(container.name)
  const common = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    started: false,
    restartCount: previous?.restartCount ?? 0,
    ...resourcesOf(container),
  }
  const { running, terminated } = previous?.state ?? {}
  const gone = terminated ?? (running ? { ...LOST, startedAt: running.startedAt, containerID: previous?.containerID } : undefined)
  if (previous && gone && (view.finished || terminated)) {
    return { ...previous, state: { terminated: gone }, ready: previous.ready && kind === 'init' && gone.exitCode === 0, started: false }
  }
  const lastEnd = gone ?? previous?.lastState.terminated
  // It never ran and never will: nobody is to wait for it.
  if (view.finished && kind === 'app' && isInitialised(view)) {
    return { ...common, state: { terminated: LOST }, lastState: lastEnd ? { terminated: lastEnd } : {} }
  }
  const state = { waiting: withoutEmpty(waiting ?? defaultWaiting(view.pod, kind)) }
  return { ...common, state, lastState: lastEnd ? { terminated: lastEnd } : {} }
}

/** Every init container of the pod has ended well or, a sidecar, was started: it is the app's own fault that it did not run. */
function isInitialised({ pod, observed }: ContainerView): boolean {
  return (pod.spec.initContainers ?? []).every((container) => {
    const [newest] = instancesOf(observed, container.name)
    return isSidecar(container) ? newest !== undefined : newest?.state === 'exited' && newest.exitCode === 0
  })
}

function previousStatus(pod: Pod, kind: ContainerKind, name: string): ContainerStatus | undefined {
  const { initContainerStatuses, containerStatuses, ephemeralContainerStatuses } = pod.status
  const list = { init: initContainerStatuses, app: containerStatuses, ephemeral: ephemeralContainerStatuses }[kind]
  return list?.find((status) => status.name === name)
}

function defaultWaiting(pod: Pod, kind: ContainerKind): WaitingReason {
  const initialising = (pod.spec.initContainers?.length ?? 0) > 0
  return { reason: initialising && kind !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating' }
}

function ended(view: ContainerView, container: Observed): ContainerStateTerminated {
  const message = view.terminationMessage(container) ?? container.message
  return {
    exitCode: container.exitCode ?? 0,
    reason: container.reason,
    ...(message ? { message } : {}),
    // A command that never started has no start; Kubernetes shows the epoch there.
    startedAt: timestamp(container.startedAt ?? 0),
    finishedAt: timestamp(container.finishedAt ?? container.startedAt ?? 0),
    containerID: containerId(view, container),
  }
}

function containerId(view: ContainerView, container: Observed): string {
  return `${view.runtimeName}://${container.id}`
}

/** What was granted, and what it has: the two differ while a resize is carried out. */
function resourcesOf(container: AnyContainer, observed?: Observed): Pick<ContainerStatus, 'allocatedResources' | 'resources'> {
  const { requests, limits } = container.resources ?? {}
  if (!requests && !limits) return {}
  const actual = observed?.state === 'running' ? observed.resources : undefined
  const resources = actual ? actualResources(container, actual) : container.resources
  return { ...(requests ? { allocatedResources: requests } : {}), resources }
}

function withoutEmpty({ reason, message }: WaitingReason): WaitingReason {
  return message ? { reason, message } : { reason }
}
