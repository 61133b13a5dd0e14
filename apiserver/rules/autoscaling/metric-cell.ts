import type { MetricSpec, MetricStatus } from '../../../shared/openapi/generated/autoscaling-v2.ts'
import { NONE } from '../table-cells.ts'

const UNKNOWN = '<unknown>'
/** How many metrics a cell shows before it counts. */
const SHOWN = 2

/** `cpu: 12%/50%, 3/10 (avg)`: what is measured of what is wanted, as upstream prints it. */
export function metricCell(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return NONE
  const cells = specs.map((spec, index) => oneMetric(spec, statuses[index]))
  const more = cells.length - SHOWN
  return more > 0 ? `${cells.slice(0, SHOWN).join(', ')} + ${more} more...` : cells.join(', ')
}

function oneMetric(spec: MetricSpec, status: MetricStatus | undefined): string {
  const source = spec.external ?? spec.object
  if ((spec.type === 'External' || spec.type === 'Object') && source) {
    const current = (spec.type === 'External' ? status?.external : status?.object)?.current
    const { averageValue, value } = source.target
    if (averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${averageValue} (avg)`
    return `${current?.value ?? UNKNOWN}/${value ?? ''}`
  }
  if (spec.type === 'Pods' && spec.pods) return `${status?.pods?.current.averageValue ?? UNKNOWN}/${spec.pods.target.averageValue ?? ''}`
  const resource = spec.type === 'Resource' ? spec.resource : spec.type === 'ContainerResource' ? spec.containerResource : undefined
  if (!resource) return '<unknown type>'
  const current = (spec.type === 'Resource' ? status?.resource : status?.containerResource)?.current
  const { averageValue, averageUtilization } = resource.target
  if (averageValue !== undefined) return `${resource.name}: ${current?.averageValue ?? UNKNOWN}/${averageValue}`
  return `${resource.name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(averageUtilization, '<auto>')}`
}

function percent(value: number | undefined, otherwise: string): string {
  return value === undefined ? otherwise : `${value}%`
}
