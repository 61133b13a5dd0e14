import type { Node, NodeCondition, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'

/** The status of a healthy machine, as a kubelet writes it; `allocatable` undefined: what it was, healthy. */
export function nodeStatus(
  name: string,
  allocatable: Record<string, string> | undefined,
  known: Node | undefined,
  now: number,
): Node['status'] {
  const at = timestamp(now)
  const condition = (type: string, status: string, reason: string, message: string): NodeCondition => {
    const before = known?.status.conditions?.find((each) => each.type === type)
    const since = before?.status === status ? (before.lastTransitionTime ?? at) : at
    return { type, status, reason, message, lastHeartbeatTime: at, lastTransitionTime: since }
  }
  const conditions = [
    condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
  ]
  if (!allocatable && known) return { ...known.status, conditions }
  const room = allocatable ?? {}
  return {
    ...known?.status,
    capacity: room,
    allocatable: room,
    addresses: [{ type: 'Hostname', address: name }],
    conditions,
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: {
      machineID: name,
      systemUUID: name,
      bootID: name,
      kernelVersion: 'simulated',
      osImage: 'simulated',
      containerRuntimeVersion: 'simulated://1',
      kubeletVersion: 'v1.36.0',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  }
}

/** A strategic patch of a pod's status: all containers run, restarted so many times more than before. */
export function podStatus(
  pod: Pod,
  {
    ready,
    podIP,
    hostIP = '192.0.2.1',
    at,
    restarts = 0,
  }: { ready: boolean; podIP: string; hostIP?: string | undefined; at: string; restarts?: number },
): object {
  const condition = (type: string, isTrue: boolean) => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastTransitionTime: at,
    ...(isTrue ? {} : { reason: 'ContainersNotReady', message: 'containers with unready status' }),
  })
  return {
    phase: 'Running',
    hostIP,
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: pod.status.startTime ?? at,
    conditions: [condition('Initialized', true), condition('ContainersReady', ready), condition('Ready', ready)],
    containerStatuses: pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image,
      imageID: '',
      ready,
      started: true,
      restartCount: (pod.status.containerStatuses?.find(({ name }) => name === container.name)?.restartCount ?? 0) + restarts,
      state: { running: { startedAt: at } },
    })),
  }
}

/** A strategic patch of a pod's status: all containers have ended for good, with this code. */
export function endedPodStatus(pod: Pod, exitCode: number, at: string): object {
  const reason = exitCode === 0 ? 'Completed' : 'Error'
  const condition = (type: string) => ({
    type,
    status: 'False',
    lastTransitionTime: at,
    reason: exitCode === 0 ? 'PodCompleted' : 'PodFailed',
  })
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: [condition('ContainersReady'), condition('Ready')],
    containerStatuses: pod.spec.containers.map((container) => ({
      ...{ name: container.name, image: container.image, imageID: '', ready: false, started: false },
      restartCount: pod.status.containerStatuses?.find(({ name }) => name === container.name)?.restartCount ?? 0,
      state: { terminated: { exitCode, reason, startedAt: pod.status.startTime ?? at, finishedAt: at }, running: null },
    })),
  }
}
