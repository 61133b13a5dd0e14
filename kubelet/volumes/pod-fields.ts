import type { Pod, ResourceFieldSelector } from '../../shared/openapi/generated/core-v1.ts'
import { parseQuantity } from '../../shared/quantity/quantity.ts'

/**
 * The text of a field of the pod's metadata, as volumes and variables show it. Undefined: no such field.
 * Maps are written one `key="value"` a line, sorted; one of their keys is asked for as `metadata.labels['key']`.
 */
export function metadataField({ metadata }: Pod, path: string): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name ?? ''
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return mapText(metadata.labels)
    case 'metadata.annotations':
      return mapText(metadata.annotations)
    default:
      return undefined
  }
}

function mapText(map: Record<string, string> | undefined): string {
  const keys = Object.keys(map ?? {}).sort()
  return keys.map((key) => `${key}=${JSON.stringify(map?.[key])}`).join('\n')
}

/** Amounts that stand in for limits a container does not have. */
export type Allocatable = Readonly<Record<string, string>>

/**
 * A container's request or limit as a whole number of divisors, rounded up; a missing limit is the node's allocatable amount.
 * @throws Error for a container or resource that does not exist
 */
export function resourceField(
  pod: Pod,
  selector: ResourceFieldSelector,
  containerName: string | undefined,
  allocatable: Allocatable,
): string {
  const name = selector.containerName || containerName
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const container = all.find((one) => one.name === name)
  if (!container) throw new Error(`container ${JSON.stringify(name)} not found`)
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource)
  if (!match) throw new Error(`unsupported container resource: ${selector.resource}`)
  const [, kind, resource = ''] = match
  const { limits, requests } = container.resources
  const isKnown = resource === 'cpu' || resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-')
  if (!isKnown) throw new Error(`unsupported container resource: ${selector.resource}`)
  const amount = kind === 'limits' ? (limits?.[resource] ?? allocatable[resource]) : (requests?.[resource] ?? limits?.[resource])
  const divisor = selector.divisor === undefined || selector.divisor === '0' || selector.divisor === '' ? '1' : selector.divisor
  const [dividend, by] = [parseQuantity(amount ?? '0').nano, parseQuantity(divisor).nano]
  return String((dividend + by - 1n) / by)
}
