import { hasReason } from '../../shared/errors/status-error.ts'
import type { NodeReport } from './node-report.ts'

/**
 * The report without the addresses that the API server would not have; undefined when they are not what it refused. An address may be
 * another node's for a while: two hosts that start at once may each be given what the other had. A node that says the rest meanwhile lets
 * go of its own old address, and so each gets its new one at the next look.
 */
export function withoutRefusedAddresses(report: NodeReport, error: unknown): NodeReport | undefined {
  if (!hasReason(error, 'Invalid')) return undefined
  const fields = (error.details?.causes ?? []).map(({ field = '' }) => /^status\.addresses\[(\d+)\]\.address$/.exec(field)?.[1])
  if (fields.length === 0 || fields.includes(undefined)) return undefined
  return { ...report, addresses: report.addresses.filter((_, index) => !fields.includes(`${index}`)) }
}
