import type { KubeObject } from '../../shared/objects/object.ts'
import { addQuantities, formatQuantity, parseQuantity, zero } from '../../shared/quantity/quantity.ts'
import type { Column } from '../registry/define-resource.ts'

/** Columns of the metrics API, as metrics-server prints them: the sum over what the object is made of, and over which time. */
export function usageColumns<T extends KubeObject & { window: string }>(
  parts: (object: T) => readonly Readonly<Record<string, string>>[],
): Column<T>[] {
  const sum = (object: T, name: string) => {
    const amounts = parts(object).map((part) => parseQuantity(part[name] ?? '0'))
    return formatQuantity(amounts.reduce((a, b) => addQuantities(a, b), amounts[0] ? { ...zero, format: amounts[0].format } : zero))
  }
  return [
    { name: 'Name', value: ({ metadata }) => metadata.name },
    { name: 'cpu', description: 'CPU in use', value: (object) => sum(object, 'cpu') },
    { name: 'memory', description: 'Memory in use that cannot be dropped', value: (object) => sum(object, 'memory') },
    { name: 'Window', description: 'The time over which CPU was counted', value: ({ window }) => window },
  ]
}
