import { shortened } from '../../../shared/errors/quoted.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type { AdmissionResponse } from '../../../shared/openapi/generated/admission-v1.ts'
import type { HookClient } from '../../connect/hook-client.ts'
import type { AdmissionRequest } from '../admission.ts'
import { type ReviewContent, responseOf, reviewText } from './review.ts'
import { WebhookFailure } from './verdict.ts'
import type { Webhook } from './webhook.ts'

/** Bytes of one answer: a patch may be as large as a body of a request. */
const ANSWER_BYTES = 3 * 1024 * 1024
/** Sentences of one webhook that reach the client. */
const WARNINGS = 20
/** Characters of each; upstream cuts there, too. */
const WARNING_CHARACTERS = 256

/** How a webhook is asked. */
export interface Asking {
  readonly client: Pick<HookClient, 'post'>
  readonly isMutating: boolean
  /** Milliseconds that are left for it. */
  readonly timeout: number
}

/** Asks one webhook. Its warnings are the client's to read. @throws WebhookFailure */
export async function askWebhook(
  webhook: Webhook,
  content: Omit<ReviewContent, 'uid' | 'version'>,
  asking: Asking,
): Promise<AdmissionResponse> {
  const { context } = content.request
  const uid = context.random.uuid()
  const version = webhook.review
  const body = reviewText({ ...content, uid, version })
  let answer: unknown
  try {
    answer = await asking.client.post(webhook.address, { body, timeout: asking.timeout, answerBytes: ANSWER_BYTES })
  } catch (error) {
    const code = error instanceof StatusError ? error.code : undefined
    throw new WebhookFailure(webhook.name, `failed to call webhook: ${(error as Error).message}`, error, code)
  }
  let response: AdmissionResponse
  try {
    response = responseOf(answer, uid, version, asking.isMutating)
  } catch (error) {
    throw new WebhookFailure(webhook.name, `received invalid webhook response: ${(error as Error).message}`, error)
  }
  passOnWarnings(response, content.request)
  return response
}

function passOnWarnings({ warnings = [] }: AdmissionResponse, { context }: AdmissionRequest): void {
  for (const sentence of warnings.slice(0, WARNINGS)) context.warn(shortened(sentence, WARNING_CHARACTERS))
}
