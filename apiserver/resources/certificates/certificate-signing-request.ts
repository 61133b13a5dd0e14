import type { CertificateSigningRequest } from '../../../shared/openapi/generated/certificates-v1.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { defineResource, type HookContext } from '../../registry/define-resource.ts'
import { humanDuration } from '../../registry/table.ts'
import { approvalProblems, decisions, requestProblems, statusProblems } from '../../rules/access/certificate-request.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('certificates.k8s.io/v1', 'CertificateSigningRequest', {
  shortNames: ['csr'],
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
  validateStatusUpdate: statusProblems,

  views: {
    approval: {
      /** Only decisions may be added here; the certificate and other conditions are the signer's. */
      restrict(next, previous, context) {
        const { metadata, spec, status } = structuredClone(previous)
        const others = (status.conditions ?? []).filter((condition) => !decisions.includes(condition.type))
        const made = (next.status.conditions ?? []).filter((condition) => decisions.includes(condition.type))
        next.metadata = { ...metadata, resourceVersion: next.metadata.resourceVersion }
        next.spec = spec
        next.status = { ...status, conditions: [...others, ...made] }
        stampConditions(next, context)
      },
      validate: approvalProblems,
    },
  },
})

function stampConditions(next: CertificateSigningRequest, { clock }: HookContext): void {
  const now = timestamp(clock.now())
  for (const condition of next.status.conditions ?? []) {
    condition.lastUpdateTime ??= now
    condition.lastTransitionTime ??= now
  }
}

function conditionCell({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status.conditions?.some((condition) => condition.type === type)
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${decision}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`
}
