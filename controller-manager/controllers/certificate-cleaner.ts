import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { conditionOf } from '../plans/node-certificates.ts'

const HOUR_MILLISECONDS = 3_600_000
/** How long requests are kept: answered ones an hour, so that their author can fetch the answer, the rest a day. */
const ANSWERED_MILLISECONDS = HOUR_MILLISECONDS
const PENDING_MILLISECONDS = 24 * HOUR_MILLISECONDS

/** Removes certificate requests that nobody waits for any more. */
export default defineController({
  name: 'csrcleaner',
  serviceAccount: 'certificate-controller',
  reconciles: ['certificates.k8s.io/v1', 'CertificateSigningRequest'],
  workers: 1,
  create({ informers, client, clock, signal }) {
    const requests = informers.of('certificates.k8s.io/v1', 'CertificateSigningRequest')
    return {
      async reconcile(key) {
        const request = requests.cache.get(key)
        if (!request) return
        const wait = keptUntil(request, clock.now()) - clock.now()
        if (wait > 0) return { requeueAfterMilliseconds: wait }
        try {
          await client.delete(
            'certificates.k8s.io/v1',
            'CertificateSigningRequest',
            { name: key },
            { preconditions: { uid: request.metadata.uid }, signal },
          )
        } catch (error) {
          if (!hasReason(error, 'NotFound')) throw error
        }
      },
    }
  },
})

function keptUntil(request: CertificateSigningRequest, now: number): number {
  const at = (text: string | null | undefined) => parseTimestamp(text ?? undefined) ?? now
  const answer = conditionOf(request, 'Denied') ?? conditionOf(request, 'Failed') ?? conditionOf(request, 'Approved')
  const isAnswered = answer && (answer.type !== 'Approved' || request.status.certificate !== undefined)
  return isAnswered ? at(answer.lastUpdateTime) + ANSWERED_MILLISECONDS : at(request.metadata.creationTimestamp) + PENDING_MILLISECONDS
}
