import type { CertificateSigningRequest } from '../../../shared/openapi/generated/certificates-v1.ts'
import { humanDuration } from '../../../shared/time/human-duration.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { defineResource, type HookContext } from '../../registry/define-resource.ts'
import { approvalProblems, decisions, requestProblems, statusProblems } from '../../rules/access/certificate-request.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('certificates.k8s.io/v1', 'CertificateSigningRequest', {
  shortNames: ['csr'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  generation: false,
  columns: [
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'SignerName', description: 'Who is to sign', value: ({ spec }) => spec.signerName },
    { name: 'Requestor', description: 'Who asked', value: ({ spec }) => spec.username },
    {
      name: 'RequestedDuration',
      description: 'How long the certificate should be good for',
      value: ({ spec }) => (spec.expirationSeconds === undefined ? NONE : humanDuration(spec.expirationSeconds * 1000)),
    },
    { name: 'Condition', description: 'What has become of it', value: conditionCell },
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },

  /** Who asks is what the server knows, not what the asker says. */
  prepareForCreate(request, { user }) {
    request.spec.username = user.name
    request.spec.uid = user.uid
    request.spec.groups = [...user.groups]
    const extra = Object.entries(user.extra ?? {}).map(([key, values]): [string, string[]] => [key, [...values]])
    request.spec.extra = extra.length === 0 ? undefined : Object.fromEntries(extra)
  },
  prepareForUpdate(next, previous) {
    next.spec = structuredClone(previous.spec)
  },
  validate: requestProblems,
  *validateUpdate(next, previous) {
    yield* immutableProblem('spec', next.spec, previous.spec)
  },
  /** What was decided stays as the approver wrote it. */
  prepareForStatusUpdate(next, previous, context) {
    next.status.conditions = next.status.conditions?.map((condition) => decisionIn(previous, condition.type) ?? condition)
    stampConditions(next, previous, context)
  },
  validateStatusUpdate: statusProblems,

  views: {
    approval: {
      /** All conditions are the approver's to write, decisions and others; the certificate is the signer's. */
      restrict(next, previous, context) {
        const { spec, status } = structuredClone(previous)
        next.spec = spec
        next.status = { ...status, conditions: next.status.conditions }
        stampConditions(next, previous, context)
      },
      validate: approvalProblems,
    },
  },
})

/** A condition that says what it said before has not changed since. */
function stampConditions(next: CertificateSigningRequest, previous: CertificateSigningRequest, { clock }: HookContext): void {
  const now = timestamp(clock.now())
  for (const condition of next.status.conditions ?? []) {
    const before = previous.status.conditions?.find((each) => each.type === condition.type && each.status === condition.status)
    condition.lastUpdateTime ??= now
    condition.lastTransitionTime ??= before?.lastTransitionTime ?? now
  }
}

function decisionIn({ status }: CertificateSigningRequest, type: string) {
  const found = decisions.includes(type) ? status.conditions?.find((condition) => condition.type === type) : undefined
  return found && structuredClone(found)
}

function conditionCell({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status.conditions?.some((condition) => condition.type === type)
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${decision}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`
}
