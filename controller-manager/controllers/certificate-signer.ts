import { readFile } from 'node:fs/promises'
import type { CertificateRequest } from '../../shared/certificates/certificate-request.ts'
import { type ExtendedUsage, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { ControllerSettings } from '../config.ts'
import { CLIENT_SIGNER, conditionOf, contentOf, nodeRequestProblem, SIGNERS } from '../plans/node-certificates.ts'

/** Certificates are valid from a little before now: clocks differ. */
const BACKDATE_MILLISECONDS = 5 * 60_000

/** Signs approved requests for the signers of this cluster's authority. */
export default defineController<ControllerSettings>({
  name: 'csrsigning',
  serviceAccount: 'certificate-controller',
  reconciles: ['certificates.k8s.io/v1', 'CertificateSigningRequest'],
  create({ informers, client, clock, signal }, settings) {
    const requests = informers.of('certificates.k8s.io/v1', 'CertificateSigningRequest')

    return {
      async reconcile(key) {
        const request = requests.cache.get(key)
        if (!request || request.status.certificate || !conditionOf(request, 'Approved') || conditionOf(request, 'Denied')) return
        if (conditionOf(request, 'Failed') || !SIGNERS.has(request.spec.signerName)) return
        const content = await contentOf(request)
        const problem = signingProblem(request, content)
        if (problem !== undefined) return fail(request, problem)
        const certificate = Buffer.from(await sign(request, content)).toString('base64')
        await writeStatus(request, { ...request.status, certificate })
      },
    }

    async function sign(request: CertificateSigningRequest, content: CertificateRequest): Promise<string> {
      const [certificate, key] = await Promise.all([
        readFile(settings.clusterSigningCertFile, 'utf8'),
        readFile(settings.clusterSigningKeyFile, 'utf8'),
      ])
      const asked = (request.spec.expirationSeconds ?? Number.POSITIVE_INFINITY) * 1_000
      const now = clock.now()
      const usages: ExtendedUsage[] = (request.spec.usages ?? []).flatMap((usage): ExtendedUsage[] =>
        usage === 'client auth' ? ['clientAuth'] : usage === 'server auth' ? ['serverAuth'] : [],
      )
      return issueCertificate(
        { certificate, key },
        {
          subject: content.subject,
          publicKey: content.publicKey,
          names: content.names,
          notBefore: now - BACKDATE_MILLISECONDS,
          // Nothing outlives the authority that vouches for it.
          notAfter: Math.min(now + Math.min(asked, settings.clusterSigningDuration), readCertificate(certificate).notAfter),
          usages,
        },
      )
    }

    async function fail(request: CertificateSigningRequest, message: string): Promise<void> {
      const now = timestamp(clock.now())
      const condition = {
        type: 'Failed',
        status: 'True',
        reason: 'SignerValidationFailure',
        message,
        lastUpdateTime: now,
        lastTransitionTime: now,
      }
      await writeStatus(request, { ...request.status, conditions: [...(request.status.conditions ?? []), condition] })
    }

    async function writeStatus(request: CertificateSigningRequest, status: CertificateSigningRequest['status']): Promise<void> {
      await client.updateStatus('certificates.k8s.io/v1', 'CertificateSigningRequest', { ...request, status }, { signal })
    }
  },
})

/** Approval does not stretch what a signer may say: each has its own idea of a well-formed request. */
function signingProblem(request: CertificateSigningRequest, content: CertificateRequest): string | undefined {
  if (request.spec.signerName !== CLIENT_SIGNER) return nodeRequestProblem(request, content)
  const usages = request.spec.usages ?? []
  if (!usages.includes('client auth')) return 'the usages must contain client auth'
  const other = usages.find((usage) => !['client auth', 'digital signature', 'key encipherment'].includes(usage))
  return other === undefined ? undefined : `the usage ${other} is not for clients`
}
