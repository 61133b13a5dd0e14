import type { Container, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { kernelLimits } from '../containers/container-resources.ts'
import type { ContainerLimits, ContainerStatus } from '../runtime/container-runtime.ts'
import { newestOf, type ObservedPod } from './observed-pod.ts'
import type { StopStep } from './plan-step.ts'
import { isSidecar } from './pod-containers.ts'

export interface ResizeUpdate {
  status: ContainerStatus
  wanted: ContainerLimits
}

/** What makes running containers have what they were granted. */
export interface ResizeSteps {
  update: ResizeUpdate[]
  /** Of containers that want to be restarted when something of them changes; they are started with what they were granted. */
  stop: StopStep[]
}

/** Compares, purely, what each running container has with what it was granted. `pod` is the pod as granted. */
export function planResize(pod: Pod, observed: ObservedPod): ResizeSteps {
  const steps: ResizeSteps = { update: [], stop: [] }
  for (const container of resizable(pod)) {
    const status = newestOf(observed, container.name)
    // A runtime that does not say what a container has is taken to have done as it was told.
    if (status?.state !== 'running' || !status.resources) continue
    const wanted = kernelLimits(container)
    const changed = changedResources(wanted, status.resources)
    if (changed.length === 0) continue
    const isRestart = container.resizePolicy?.some((policy) => {
      return policy.restartPolicy === 'RestartContainer' && changed.includes(policy.resourceName)
    })
    if (isRestart) steps.stop.push({ status, message: `Container ${container.name} resize requires restart` })
    else steps.update.push({ status, wanted })
  }
  return steps
}

/** Containers that may be resized: those that run beside each other. */
export function resizable({ spec }: Pod): Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)]
}

/** A limit that is there and not wanted does not count: the API lets none be taken away. */
function changedResources(wanted: ContainerLimits, actual: ContainerLimits): string[] {
  const isQuota = wanted.cpuQuota !== undefined && wanted.cpuQuota !== actual.cpuQuota
  const isMemory = wanted.memoryLimitBytes !== undefined && wanted.memoryLimitBytes !== actual.memoryLimitBytes
  return [...(isQuota || wanted.cpuShares !== actual.cpuShares ? ['cpu'] : []), ...(isMemory ? ['memory'] : [])]
}
