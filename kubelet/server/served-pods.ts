import { StatusError } from '../../shared/errors/status-error.ts'
import type { ContainerStatus as ApiContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerRuntime, ContainerStatus } from '../runtime/container-runtime.ts'

/** The pods of this node as the kubelet knows them, with their newest status. */
export interface ServedPods {
  /** In the order in which they came. */
  list(): readonly Pod[]
}

/** The pod of that name; of two, the one that came last: the other is gone from the API, and its containers are being taken away. @throws StatusError NotFound */
export function servedPod(pods: ServedPods, namespace: string, name: string, uid?: string): Pod {
  const isMeant = ({ metadata }: Pod) =>
    metadata.namespace === namespace && metadata.name === name && (uid === undefined || metadata.uid === uid)
  const pod = pods.list().findLast(isMeant)
  if (!pod) throw new StatusError('NotFound', `pod ${JSON.stringify(name)} not found`)
  return pod
}

type Lister = Pick<ContainerRuntime, 'listContainers' | 'listSandboxes'>

/** The running instance of a container. @throws StatusError NotFound */
export async function runningContainer(runtime: Lister, pod: Pod, container: string, signal: AbortSignal): Promise<string> {
  const instances = await instancesOf(runtime, pod, container, signal)
  const running = instances.find((one) => one.state === 'running')
  if (!running) throw new StatusError('NotFound', `container not found (${JSON.stringify(container)})`)
  return running.id
}

/** The instance to attach to: the running one, or else the last that ran; whether that still has something to say, the runtime knows. @throws StatusError NotFound */
export async function attachedContainer(runtime: Lister, pod: Pod, container: string, signal: AbortSignal): Promise<string> {
  const instances = await instancesOf(runtime, pod, container, signal)
  const begun = instances.find((one) => one.state === 'running') ?? instances.find((one) => one.state === 'exited')
  if (!begun) throw new StatusError('NotFound', `container not found (${JSON.stringify(container)})`)
  return begun.id
}

/** The living sandbox. @throws StatusError NotFound */
export async function liveSandbox(runtime: Lister, pod: Pod, signal: AbortSignal): Promise<string> {
  const sandboxes = await runtime.listSandboxes({ podUid: pod.metadata.uid }, signal)
  const live = sandboxes.find((one) => one.state === 'ready')
  if (!live) throw new StatusError('NotFound', `pod ${JSON.stringify(pod.metadata.name)} is not running`)
  return live.id
}

/**
 * Whose log is meant: the newest instance that has run, or the one before it.
 * @throws StatusError BadRequest with the sentences that people know from upstream's kubelet
 */
export async function loggedContainer(
  runtime: Lister,
  pod: Pod,
  { container, previous }: { container: string; previous: boolean },
  signal: AbortSignal,
): Promise<string> {
  const inPod = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`
  const status = statusOf(pod, container)
  if (!status && !isPartOf(pod, container)) throw new StatusError('BadRequest', `${inPod} is not available`)
  const instances = await instancesOf(runtime, pod, container, signal)
  const begun = instances.filter((one) => one.state !== 'created')
  if (previous) {
    // While it waits to be restarted, the last one that ran is the previous one.
    const isBetween = begun[0]?.state === 'exited' && status?.state.waiting !== undefined
    const before = isBetween ? begun[0] : begun[1]
    if (!before) throw new StatusError('BadRequest', `previous terminated ${inPod} not found`)
    return before.id
  }
  if (begun[0]) return begun[0].id
  throw new StatusError('BadRequest', `${inPod} is waiting to start: ${whyWaiting(status)}`)
}

function whyWaiting(status: ApiContainerStatus | undefined): string {
  const reason = status?.state.waiting?.reason
  if (reason === 'ErrImagePull') return "image can't be pulled"
  if (reason === 'ImagePullBackOff') return 'trying and failing to pull image'
  return reason ?? 'ContainerCreating'
}

async function instancesOf(runtime: Lister, pod: Pod, container: string, signal: AbortSignal): Promise<ContainerStatus[]> {
  const all = await runtime.listContainers({ podUid: pod.metadata.uid }, signal)
  return all.filter((one) => one.name === container)
}

function statusOf({ status }: Pod, container: string): ApiContainerStatus | undefined {
  const all = [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses]
  return all.flatMap((list) => list ?? []).find((one) => one.name === container)
}

function isPartOf({ spec }: Pod, container: string): boolean {
  return [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].some((one) => one.name === container)
}
