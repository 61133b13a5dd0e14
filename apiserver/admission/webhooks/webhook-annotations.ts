import type { AdmissionResponse } from '../../../shared/openapi/generated/admission-v1.ts'
import type { AuditAnnotations } from '../../audit/audit-trail.ts'
import type { Webhook } from './webhook.ts'

/** Annotations of one answer; upstream has no bound. */
const MOST = 100

/** Which question of a request it was: of the round, that to the webhook at this place. */
export interface Turn {
  readonly round: 0 | 1
  readonly index: number
}

/** What a webhook itself says for the audit log. */
export function noteAnswer(audit: AuditAnnotations, webhook: Webhook, { auditAnnotations = {} }: AdmissionResponse): void {
  for (const [key, value] of Object.entries(auditAnnotations).slice(0, MOST)) audit.annotate(`${webhook.name}/${key}`, value)
}

/** That a webhook was asked, and whether it changed the object. */
export function noteMutation(audit: AuditAnnotations, { configuration, name }: Webhook, turn: Turn, mutated: boolean): void {
  audit.annotate(`mutation.webhook.admission.k8s.io/${keyOf(turn)}`, JSON.stringify({ configuration, webhook: name, mutated }))
}

/** What it changed: part of the object, so not written down below the level Request. */
export function notePatch(audit: AuditAnnotations, { configuration, name }: Webhook, turn: Turn, patch: readonly unknown[]): void {
  if (!audit.holds('Request')) return
  const value = JSON.stringify({ configuration, webhook: name, patch, patchType: 'JSONPatch' })
  audit.annotate(`patch.webhook.admission.k8s.io/${keyOf(turn)}`, value, 'Request')
}

/** That a webhook failed, and the request passed although it did. */
export function noteFailedOpen(audit: AuditAnnotations, type: 'mutation' | 'validating', { name }: Webhook, turn: Turn): void {
  audit.annotate(`failed-open.${type}.webhook.admission.k8s.io/${keyOf(turn)}`, name)
}

function keyOf({ round, index }: Turn): string {
  return `round_${round}_index_${index}`
}
