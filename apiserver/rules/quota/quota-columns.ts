import type { ResourceQuota } from '../../../shared/openapi/generated/core-v1.ts'

/** `cpu: 1/2, pods: 3/10`, by name; of limits, or of everything else. */
export function usageCell({ spec, status }: ResourceQuota, part: 'request' | 'limit'): string {
  const names = Object.keys(spec.hard ?? {}).filter((name) => name.startsWith('limits') === (part === 'limit'))
  return names
    .sort()
    .map((name) => `${name}: ${status.used?.[name] ?? '0'}/${status.hard?.[name] ?? '0'}`)
    .join(', ')
}
