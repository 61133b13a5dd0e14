import { objectPath } from '../../shared/client/resource-path.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import {
  conditionOf,
  contentOf,
  isSelfRequest,
  NODE_CLIENT_SIGNER,
  NODE_SERVING_SIGNER,
  nodeRequestProblem,
  servingRequestProblem,
} from '../plans/node-certificates.ts'

/** How long a request waits for its node to be registered before it is looked at again. */
const RETRY_MILLISECONDS = 2_000

/**
 * Approves what nodes ask for themselves: to join, to renew, and to serve under addresses they have. Everything else
 * waits for a person. Upstream leaves serving certificates to people too; here a kubelet without one would only make
 * everybody switch verification off (docs/security.md).
 */
export default defineController({
  name: 'csrapproving',
  serviceAccount: 'certificate-controller',
  reconciles: ['certificates.k8s.io/v1', 'CertificateSigningRequest'],
  create({ informers, client, clock, log, signal }) {
    const requests = informers.of('certificates.k8s.io/v1', 'CertificateSigningRequest')
    const nodes = informers.of('v1', 'Node')

    return {
      async reconcile(key) {
        const request = requests.cache.get(key)
        if (!request || conditionOf(request, 'Approved') || conditionOf(request, 'Denied')) return
        const { signerName } = request.spec
        if (signerName !== NODE_CLIENT_SIGNER && signerName !== NODE_SERVING_SIGNER) return
        const content = await contentOf(request)
        const problem = nodeRequestProblem(request, content)
        if (problem !== undefined) return log.info('a request is left to a person', { request: key, problem })
        if (signerName === NODE_SERVING_SIGNER) {
          const doubt = servingRequestProblem(request, content, nodes.cache.list())
          if (doubt === undefined) return approve(request, 'The node serves under its own addresses.')
          log.info('a serving request waits', { request: key, problem: doubt })
          return { requeueAfterMilliseconds: RETRY_MILLISECONDS }
        }
        const right = isSelfRequest(request, content) ? 'selfnodeclient' : 'nodeclient'
        if (await mayAsk(request, right))
          await approve(request, `Auto approving kubelet client certificate after SubjectAccessReview (${right}).`)
        else
          log.info('a request is left to a person', {
            request: key,
            problem: `its author may not create certificatesigningrequests/${right}`,
          })
      },
    }

    async function mayAsk({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
      const resourceAttributes = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource }
      const draft = {
        metadata: {},
        spec: { user: spec.username, uid: spec.uid, groups: spec.groups, extra: spec.extra, resourceAttributes },
      }
      const review = await client.create('authorization.k8s.io/v1', 'SubjectAccessReview', draft, { signal })
      return review.status.allowed
    }

    async function approve(request: CertificateSigningRequest, message: string): Promise<void> {
      const now = timestamp(clock.now())
      const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: now, lastTransitionTime: now }
      const body = { ...request, status: { ...request.status, conditions: [...(request.status.conditions ?? []), condition] } }
      const path = objectPath('certificates.k8s.io/v1', 'CertificateSigningRequest', { name: request.metadata.name ?? '' })
      await client.request('PUT', `${path}/approval`, { body, signal })
    }
  },
})
