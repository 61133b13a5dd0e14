import type { Container, ContainerStatus, Pod } from '../openapi/generated/core-v1.ts'
import { type Amounts, amountsOf, podRequests } from './resource-requests.ts'

type List = Record<string, string>

/**
 * What a pod takes of its node while a resize may be under way: of each container the most of what is asked for, of what its node has granted
 * and of what it has; a wish that its node can never grant counts nothing (KEP-1287). Pure.
 */
export function podDemand(pod: Pod): Amounts {
  // Nothing is said of a pod that nobody runs.
  if (!pod.status?.containerStatuses) return podRequests(pod.spec)
  const granted = grants(pod)
  if (granted.size === 0) return podRequests(pod.spec)
  const isInfeasible = pod.status.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ?? false
  return podRequests(pod.spec, (container) => {
    const asked = { ...container.resources?.limits, ...container.resources?.requests }
    const had = granted.get(container.name)
    return had
      ? larger(isInfeasible ? [had.allocatedResources, had.resources?.requests] : [asked, had.allocatedResources, had.resources?.requests])
      : asked
  })
}

/** Some container of it has, or was granted, something else than the spec asks for. */
export function isBetweenSizes(pod: Pod): boolean {
  return grants(pod).size > 0
}

/** Containers of which their node says something else than the spec does. */
function grants({ spec, status }: Pod): Map<string, ContainerStatus> {
  const found = new Map<string, ContainerStatus>()
  const containers: readonly Container[] = spec.initContainers ? [...spec.containers, ...spec.initContainers] : spec.containers
  for (const statuses of [status.containerStatuses, status.initContainerStatuses]) {
    for (const one of statuses ?? []) {
      const asked = containers.find(({ name }) => name === one.name)?.resources?.requests
      if (asked && !(isSame(asked, one.allocatedResources) && isSame(asked, one.resources?.requests))) found.set(one.name, one)
    }
  }
  return found
}

/** Text by text: other spellings of one amount are rare and only cost the longer way. A node that says nothing grants what is asked. */
function isSame(asked: List, said: List | undefined): boolean {
  return said === undefined || Object.entries(asked).every(([name, amount]) => said[name] === amount)
}

function larger(lists: readonly (List | undefined)[]): List {
  const most: List = {}
  const amounts: Amounts = new Map()
  for (const list of lists) {
    for (const [name, amount] of amountsOf(list)) {
      if (amount < (amounts.get(name) ?? 0)) continue
      amounts.set(name, amount)
      most[name] = list?.[name] ?? '0'
    }
  }
  return most
}
