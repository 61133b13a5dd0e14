import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition as Condition,
} from '../../../shared/openapi/generated/certificates-v1.ts'
import { byteLength } from '../../../shared/selectors/label-syntax.ts'

/** Conditions that only the approval sub-resource sets. */
export const decisions: readonly string[] = ['Approved', 'Denied']

const usages: readonly string[] = [
  ...['any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only'],
  ...['digital signature', 'email protection', 'encipher only', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement'],
  ...['key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping'],
]
const SHORTEST_SECONDS = 600
const SIGNER_LIMIT = 571

/** A request, a signer with a domain, and usages. */
export function* requestProblems({ spec, status }: CertificateSigningRequest): Generator<FieldProblem> {
  if (!isCertificateRequest(spec.request)) {
    yield fieldProblem.invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST')
  }
  if (!spec.usages?.length) yield fieldProblem.required('spec.usages')
  const seen = new Set<string>()
  for (const [index, usage] of (spec.usages ?? []).entries()) {
    if (!usages.includes(usage)) yield fieldProblem.notSupported(`spec.usages[${index}]`, usage, usages)
    if (seen.has(usage)) yield fieldProblem.duplicate(`spec.usages[${index}]`, usage)
    seen.add(usage)
  }
  yield* signerProblems(spec.signerName)
  const seconds = spec.expirationSeconds
  if (seconds !== undefined && seconds < SHORTEST_SECONDS) {
    yield fieldProblem.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)')
  }
  yield* conditionProblems(status.conditions ?? [])
}

function* signerProblems(name: string): Generator<FieldProblem> {
  const path = 'spec.signerName'
  if (!name) {
    yield fieldProblem.required(path)
    return
  }
  const [domain = '', rest, ...more] = name.split('/')
  if (rest === undefined || more.length > 0) {
    yield fieldProblem.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
  } else if (rest === '' || !domain.includes('.')) {
    yield fieldProblem.invalid(path, name, 'should be a domain with at least two segments separated by dots')
  }
  if (byteLength(name) > SIGNER_LIMIT) yield fieldProblem.tooLong(path, SIGNER_LIMIT)
  if (name === 'kubernetes.io/legacy-unknown') {
    yield fieldProblem.invalid(path, name, 'the legacy signerName is not allowed via this API version')
  }
}

function isCertificateRequest(base64: string | null): boolean {
  const text = Buffer.from(base64 ?? '', 'base64').toString('latin1')
  return /-----BEGIN CERTIFICATE REQUEST-----[^-]+-----END CERTIFICATE REQUEST-----/.test(text)
}

function* conditionProblems(conditions: readonly Condition[]): Generator<FieldProblem> {
  const seen = new Set<string>()
  const has = (type: string) => conditions.some((condition) => condition.type === type)
  for (const [index, { type, status }] of conditions.entries()) {
    const path = `status.conditions[${index}]`
    if (!type) yield fieldProblem.required(`${path}.type`)
    if (!['True', 'False', 'Unknown'].includes(status))
      yield fieldProblem.notSupported(`${path}.status`, status, ['False', 'True', 'Unknown'])
    else if ([...decisions, 'Failed'].includes(type) && status !== 'True')
      yield fieldProblem.notSupported(`${path}.status`, status, ['True'])
    if (seen.has(type)) yield fieldProblem.duplicate(`${path}.type`, type)
    seen.add(type)
  }
  if (has('Approved') && has('Denied')) {
    yield fieldProblem.invalid('status.conditions', 'Approved', 'Approved and Denied conditions are mutually exclusive')
  }
}

/** A decision, once made, stands. */
export function* approvalProblems(next: CertificateSigningRequest, previous: CertificateSigningRequest): Generator<FieldProblem> {
  yield* conditionProblems(next.status.conditions ?? [])
  for (const type of decisions) {
    if (decisionOf(previous, type) && !decisionOf(next, type)) {
      yield fieldProblem.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)
    }
  }
}

/** The signer writes the certificate once, and decides nothing. */
export function* statusProblems(next: CertificateSigningRequest, previous: CertificateSigningRequest): Generator<FieldProblem> {
  yield* conditionProblems(next.status.conditions ?? [])
  for (const type of decisions) {
    if (!decisionOf(previous, type) && decisionOf(next, type)) {
      yield fieldProblem.forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`)
    }
    if (decisionOf(previous, type) && !decisionOf(next, type)) {
      yield fieldProblem.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)
    }
  }
  const [certificate, before] = [next.status.certificate, previous.status.certificate]
  if (before && certificate !== before) yield fieldProblem.forbidden('status.certificate', 'updates may not modify a set certificate')
  if (certificate && !before && !Buffer.from(certificate, 'base64').toString('latin1').includes('-----BEGIN CERTIFICATE-----')) {
    yield fieldProblem.invalid('status.certificate', '<certificate data>', 'must contain at least one CERTIFICATE PEM block')
  }
}

function decisionOf({ status }: CertificateSigningRequest, type: string): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type)
}
