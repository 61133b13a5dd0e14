import type { Container, Pod, ResourceRequirements } from '../../shared/openapi/generated/core-v1.ts'
import { amountsOf, podRequests } from '../../shared/pods/resource-requests.ts'
import { formatQuantity, quantityFromMilli, quantityFromValue } from '../../shared/quantity/quantity.ts'
import type { ContainerConfig, ContainerLimits, SandboxConfig } from '../runtime/container-runtime.ts'
import { qosClassOf } from '../status/qos-class.ts'

/** The kernel takes no fewer shares, and no shorter quota (1 ms of each 100 ms). */
const LEAST_SHARES = 2
const LEAST_QUOTA_MICROSECONDS = 1000

/** A container's part of the machine, in the kernel's units. */
export function containerResources(pod: Pod, container: Container, nodeMemoryBytes: number): ContainerConfig['resources'] {
  const memoryRequest = amountsOf({ ...container.resources?.limits, ...container.resources?.requests }).get('memory') ?? 0
  return { ...kernelLimits(container), oomScoreAdjust: oomScore(pod, memoryRequest, nodeMemoryBytes) }
}

/** The same as far as it can change while the container runs. */
export function kernelLimits(container: Container): ContainerLimits {
  const limits = amountsOf(container.resources?.limits)
  const requests = amountsOf({ ...container.resources?.limits, ...container.resources?.requests })
  const cpuLimit = limits.get('cpu') ?? 0
  const memoryLimit = limits.get('memory') ?? 0
  return {
    cpuShares: sharesOf(requests.get('cpu') ?? 0),
    cpuQuota: cpuLimit > 0 ? Math.max(LEAST_QUOTA_MICROSECONDS, cpuLimit * 100) : undefined,
    memoryLimitBytes: memoryLimit > 0 ? memoryLimit : undefined,
  }
}

/** What a container has, as its status says it: what it was granted, and where the kernel has something else, that. */
export function actualResources(container: Container, actual: ContainerLimits): ResourceRequirements {
  const wanted = kernelLimits(container)
  const { requests, limits } = container.resources
  const has = { requests: { ...requests }, limits: { ...limits } }
  if (requests?.['cpu'] && wanted.cpuShares !== actual.cpuShares)
    has.requests['cpu'] = formatQuantity(quantityFromMilli(Math.ceil(((actual.cpuShares ?? 0) * 1000) / 1024)))
  if (limits?.['cpu'] && wanted.cpuQuota !== actual.cpuQuota) {
    if (actual.cpuQuota === undefined) delete has.limits['cpu']
    else has.limits['cpu'] = formatQuantity(quantityFromMilli(Math.ceil(actual.cpuQuota / 100)))
  }
  if (limits?.['memory'] && wanted.memoryLimitBytes !== actual.memoryLimitBytes) {
    if (actual.memoryLimitBytes === undefined) delete has.limits['memory']
    else has.limits['memory'] = formatQuantity(quantityFromValue(actual.memoryLimitBytes, 'BinarySI'))
  }
  return { ...container.resources, ...(requests ? { requests: has.requests } : {}), ...(limits ? { limits: has.limits } : {}) }
}

/**
 * What a pod may use altogether, by its own `spec.resources` and by the node's limit of processes (negative: none); undefined: only its containers
 * are limited.
 */
export function podLimits(pod: Pod, pidsLimit = -1): SandboxConfig['limits'] {
  const limits = amountsOf(pod.spec.resources?.limits)
  const [cpu = 0, memory = 0] = [limits.get('cpu'), limits.get('memory')]
  if (cpu === 0 && memory === 0 && pidsLimit < 0) return undefined
  return {
    ...(pidsLimit < 0 ? {} : { pids: pidsLimit }),
    ...(cpu > 0 ? { cpuQuota: Math.max(LEAST_QUOTA_MICROSECONDS, cpu * 100) } : {}),
    ...(memory > 0 ? { memoryBytes: memory } : {}),
  }
}

/** What a pod weighs among the pods of its node. */
export function podCpuShares(pod: Pod): number {
  return sharesOf(podRequests(pod.spec).get('cpu') ?? 0)
}

function sharesOf(milliCores: number): number {
  return Math.max(LEAST_SHARES, Math.floor((milliCores * 1024) / 1000))
}

/** Who the kernel kills first when memory runs out: whoever asked for least of what it uses (upstream's arithmetic). */
function oomScore(pod: Pod, memoryRequest: number, nodeMemoryBytes: number): number {
  if (pod.spec.priorityClassName === 'system-node-critical') return -997
  switch (qosClassOf(pod)) {
    case 'Guaranteed':
      return -997
    case 'BestEffort':
      return 1000
    case 'Burstable':
      return Math.min(999, Math.max(3, 1000 - Math.floor((1000 * memoryRequest) / Math.max(1, nodeMemoryBytes))))
  }
}

/** The pod's place in the tree of control groups. */
export function podCgroup(pod: Pod): string {
  const qos = qosClassOf(pod)
  const level = qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`
  return `/kubepods${level}/pod${pod.metadata.uid}`
}
