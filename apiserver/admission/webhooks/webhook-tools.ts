import { StatusError } from '../../../shared/errors/status-error.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { AdmissionResponse } from '../../../shared/openapi/generated/admission-v1.ts'
import type { User } from '../../authn/user.ts'
import type { HookClient } from '../../connect/hook-client.ts'
import type { ResourceServices } from '../../registry/define-resource.ts'
import type { ResourceTable } from '../../registry/resource-table.ts'
import { askWebhook } from './ask-webhook.ts'
import type { ReviewContent } from './review.ts'
import { denial, internalError, WebhookFailure } from './verdict.ts'
import type { Webhook } from './webhook.ts'
import { noteAnswer, noteFailedOpen, type Turn } from './webhook-annotations.ts'
import type { WebhookMetrics, WebhookOutcome, WebhookType } from './webhook-metrics.ts'

/** What both admission steps work with. */
export interface WebhookTools {
  readonly client: Pick<HookClient, 'post'>
  readonly table: ResourceTable
  /** Asked by expressions of match conditions. */
  readonly authorize: ResourceServices['authorize']
  readonly metrics: WebhookMetrics
  /** Whose writes no webhook sees: the server itself, which must be able to start before they can. */
  readonly self: User
  /** Milliseconds that one step may take for one request. */
  readonly patience: number
  readonly log: Logger
}

export interface Question {
  readonly webhook: Webhook
  readonly content: Omit<ReviewContent, 'uid' | 'version'>
  readonly type: WebhookType
  /** Where in the order of the step it stands. */
  readonly turn: Turn
  /** When the step has to be over, on the monotonic clock. */
  readonly end: number
}

/**
 * Asks one webhook and makes something of its answer. Undefined: it failed, and may.
 * @throws StatusError what it refused with; InternalError when it failed; Timeout when the step has taken too long
 */
export async function consult<T>(
  question: Question,
  tools: WebhookTools,
  take: (response: AdmissionResponse) => T | Promise<T>,
): Promise<T | undefined> {
  const { webhook, content, type, end, turn } = question
  const { operation, context } = content.request
  const begin = context.clock.monotonic()
  const timeout = Math.min(webhook.timeout, end - begin)
  if (timeout <= 0) throw new StatusError('Timeout', 'request did not complete within requested timeout: webhooks took too long')
  let outcome: WebhookOutcome = { code: 200 }
  try {
    const response = await askWebhook(webhook, content, { client: tools.client, isMutating: type === 'admit', timeout })
    if (context.audit) noteAnswer(context.audit, webhook, response)
    if (!response.allowed) {
      const refused = denial(webhook.name, response.status)
      outcome = { code: refused.code, rejection: 'no_error' }
      throw refused
    }
    outcome = { code: 0, rejection: 'apiserver_internal_error' }
    const taken = await take(response)
    outcome = { code: 200 }
    return taken
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error
    const { code } = error
    outcome = webhook.ignoresFailure ? { code, failedOpen: true } : { code, rejection: 'calling_webhook_error' }
    if (!webhook.ignoresFailure) throw internalError(error)
    if (context.audit) noteFailedOpen(context.audit, type === 'admit' ? 'mutation' : 'validating', webhook, turn)
    tools.log.warn('a webhook failed; its failure policy lets the request pass', { webhook: webhook.name, error })
    return undefined
  } finally {
    tools.metrics.observe(webhook.name, type, operation, context.clock.monotonic() - begin, outcome)
  }
}
