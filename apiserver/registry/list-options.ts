import { fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid, StatusError } from '../../shared/errors/status-error.ts'
import { isTrue } from '../http/request-info.ts'

/** The parameters of list and watch, checked. */
export interface ListOptions {
  /** Undefined: not given. */
  readonly resourceVersion: number | undefined
  readonly match: 'Exact' | 'NotOlderThan' | undefined
  /** 0: no limit. */
  readonly limit: number
  readonly continue: string | undefined
  readonly allowBookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
  readonly timeoutSeconds: number | undefined
}

const KIND = { group: 'meta.k8s.io', kind: 'ListOptions' }

/** @throws StatusError BadRequest for values of the wrong type, Invalid for combinations that mean nothing */
export function listOptions(query: URLSearchParams, isWatch: boolean): ListOptions {
  const versionText = query.get('resourceVersion') || undefined
  const match = query.get('resourceVersionMatch') || undefined
  const token = query.get('continue') || undefined
  const sendInitialEvents = query.get('sendInitialEvents')
  const limit = wholeNumber('limit', query.get('limit')) ?? 0
  const timeoutSeconds = wholeNumber('timeoutSeconds', query.get('timeoutSeconds'))
  const problems = []
  if (isWatch) {
    if (sendInitialEvents !== null && match !== 'NotOlderThan') {
      problems.push(
        fieldProblem.forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      )
    } else if (sendInitialEvents === null && match !== undefined) {
      problems.push(
        fieldProblem.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
      )
    }
  } else {
    if (sendInitialEvents !== null) problems.push(fieldProblem.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
    if (match !== undefined) {
      if (versionText === undefined) {
        problems.push(
          fieldProblem.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
        )
      }
      if (token !== undefined) {
        problems.push(fieldProblem.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
      }
      if (match !== 'Exact' && match !== 'NotOlderThan') {
        problems.push(fieldProblem.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
      } else if (match === 'Exact' && versionText === '0') {
        problems.push(fieldProblem.forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
      }
    }
  }
  if (problems.length > 0) throw invalid(KIND, '', problems)
  return {
    resourceVersion: versionText === undefined ? undefined : parseRevision(versionText),
    match: match as ListOptions['match'],
    limit: Math.max(0, limit),
    continue: token,
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
    timeoutSeconds,
  }
}

/** @throws StatusError BadRequest */
export function parseRevision(text: string): number {
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(revision)) {
    const problem = fieldProblem.invalid('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
    throw new StatusError('BadRequest', `resourceVersion: ${problem.message}`)
  }
  return revision
}

function wholeNumber(name: string, text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  if (!/^-?\d{1,15}$/.test(text)) {
    throw new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax (parameter ${name})`)
  }
  return Number(text)
}
