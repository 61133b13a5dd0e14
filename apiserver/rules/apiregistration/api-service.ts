import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { APIService, APIServiceCondition, APIServiceStatus } from '../../../shared/openapi/generated/apiregistration-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { oldDnsLabelProblems, portNumberProblems } from '../metadata/names.ts'

const STATUSES = ['False', 'True', 'Unknown']
const HIGHEST_GROUP = 20_000
const HIGHEST_VERSION = 1_000

/** As upstream's ValidateAPIService: the name says which version of which group it is, and only others' servers are verified. */
export function* apiServiceProblems({ metadata, spec }: APIService): Generator<FieldProblem> {
  const { group = '', version = '', groupPriorityMinimum, versionPriority, service, caBundle, insecureSkipTLSVerify } = spec
  const name = `${version}.${group}`
  if (metadata.name !== name) {
    yield fieldProblem.invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`)
  }
  if (group === '' && version !== 'v1')
    yield fieldProblem.required('spec.group', 'only v1 may have an empty group and it better be legacy kube')
  if (group !== '') for (const problem of subdomainProblems(group)) yield fieldProblem.invalid('spec.group', group, problem)
  for (const problem of oldDnsLabelProblems(version)) yield fieldProblem.invalid('spec.version', version, problem)
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > HIGHEST_GROUP) {
    yield fieldProblem.invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000')
  }
  if (versionPriority <= 0 || versionPriority > HIGHEST_VERSION) {
    yield fieldProblem.invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000')
  }
  if (!service) {
    if (caBundle) yield fieldProblem.invalid('spec.caBundle', `${sizeOf(caBundle)} bytes`, 'local APIServices may not have a caBundle')
    if (insecureSkipTLSVerify) {
      yield fieldProblem.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify')
    }
    return
  }
  if (!service.namespace) yield fieldProblem.required('spec.service.namespace')
  if (!service.name) yield fieldProblem.required('spec.service.name')
  const [wrong] = service.port === undefined ? [] : portNumberProblems(service.port)
  if (wrong !== undefined) yield fieldProblem.invalid('spec.service.port', service.port, `port is not valid: ${wrong}`)
  if (insecureSkipTLSVerify && caBundle) {
    yield fieldProblem.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')
  }
}

export function* apiServiceStatusProblems({ conditions = [] }: APIServiceStatus): Generator<FieldProblem> {
  for (const [index, { status }] of conditions.entries()) {
    if (!STATUSES.includes(status)) yield fieldProblem.notSupported(`status.conditions[${index}].status`, status, STATUSES)
  }
}

export function availableCondition(service: APIService): APIServiceCondition | undefined {
  return service.status.conditions?.find(({ type }) => type === 'Available')
}

/** The column AVAILABLE: why not, where it is not. */
export function availableCell(service: APIService): string {
  const condition = availableCondition(service)
  if (!condition) return 'Unknown'
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`
}

/** What this server itself serves cannot be away. @param now RFC 3339 */
export const localCondition = (now: string): APIServiceCondition => ({
  type: 'Available',
  status: 'True',
  lastTransitionTime: now,
  reason: 'Local',
  message: 'Local APIServices are always available',
})

const sizeOf = (base64: string) => Buffer.byteLength(base64, 'base64')
