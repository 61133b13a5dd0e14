import { fieldProblem } from '../../shared/errors/field-error.ts'
import { quoted } from '../../shared/errors/quoted.ts'
import { invalid, StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'

/** meta/v1 DeleteOptions, from the body or the query. */
export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined
  readonly propagation: 'Orphan' | 'Background' | 'Foreground' | undefined
  /** The old way to say it; wins over nothing, excludes `propagation`. */
  readonly orphanDependents: boolean | undefined
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
  readonly dryRun: boolean
}

const KIND = { group: 'meta.k8s.io', kind: 'DeleteOptions' }
const policies = ['Foreground', 'Background', 'Orphan'] as const

/** @throws StatusError BadRequest, Invalid */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const given = body === undefined || body === null ? fromQuery(query) : body
  if (typeof given !== 'object' || Array.isArray(given)) throw new StatusError('BadRequest', 'the body of a delete must be DeleteOptions')
  const options = given as Record<string, unknown>
  const kind = options['kind']
  if (kind !== undefined && kind !== '' && kind !== 'DeleteOptions') {
    throw new StatusError('BadRequest', `decoded object cannot be converted to DeleteOptions: it is a ${quoted(kind)}`)
  }
  const policy = typed(options, 'propagationPolicy', 'string')
  const preconditions = typed(options, 'preconditions', 'object') as Record<string, unknown> | undefined
  const orphanDependents = typed(options, 'orphanDependents', 'boolean') as boolean | undefined
  const grace = typed(options, 'gracePeriodSeconds', 'number') as number | undefined
  const problems = []
  if (policy !== undefined && !policies.includes(policy as (typeof policies)[number])) {
    problems.push(fieldProblem.notSupported('propagationPolicy', policy, [...policies, 'nil']))
  }
  if (policy !== undefined && orphanDependents !== undefined) {
    problems.push(fieldProblem.invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (grace !== undefined && grace > inputLimits.seconds) {
    problems.push(fieldProblem.invalid('gracePeriodSeconds', grace, `must be less than or equal to ${inputLimits.seconds}`))
  }
  const dryRun = options['dryRun'] ?? query.getAll('dryRun')
  if (!Array.isArray(dryRun) || dryRun.some((value) => value !== 'All' && value !== '')) {
    problems.push(fieldProblem.notSupported('dryRun', dryRun, ['All']))
  }
  if (problems.length > 0) throw invalid(KIND, '', problems)
  return {
    // Upstream reads a negative period as "one second".
    gracePeriodSeconds: grace !== undefined && grace < 0 ? 1 : grace,
    propagation: policy as DeleteOptions['propagation'],
    orphanDependents,
    uid: preconditions && (typed(preconditions, 'uid', 'string') as string | undefined),
    resourceVersion: preconditions && (typed(preconditions, 'resourceVersion', 'string') as string | undefined),
    dryRun: (dryRun as unknown[]).includes('All'),
  }
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  const grace = query.get('gracePeriodSeconds')
  if (grace !== null && grace !== '') {
    if (!/^-?\d{1,15}$/.test(grace))
      throw new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`)
    options['gracePeriodSeconds'] = Number(grace)
  }
  const policy = query.get('propagationPolicy')
  if (policy) options['propagationPolicy'] = policy
  const orphan = query.get('orphanDependents')
  if (orphan) options['orphanDependents'] = orphan === 'true' || orphan === '1'
  const uid = query.get('preconditions.uid')
  if (uid) options['preconditions'] = { uid }
  return options
}

function typed(options: Record<string, unknown>, field: string, type: 'string' | 'number' | 'boolean' | 'object'): unknown {
  const value = options[field]
  if (value === undefined || value === null) return undefined
  const fits =
    type === 'number' ? Number.isSafeInteger(value) : type === 'object' ? !Array.isArray(value) && typeof value === 'object' : true
  if (!fits || (type !== 'number' && typeof value !== type)) {
    throw new StatusError('BadRequest', `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${field} must be a ${type}`)
  }
  return value
}
