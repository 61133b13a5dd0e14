import { type CertificateRequest, readRequest } from '../../shared/certificates/certificate-request.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import { systemGroup } from '../authn/system-names.ts'
import { asKind } from '../registry/as-kind.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import type { OwnedByCluster } from './cluster-facts.ts'
import { refusal } from './refuse.ts'

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'
const NODE_SERVING_SIGNER = 'kubernetes.io/kubelet-serving'

/**
 * Who may approve or sign depends on the signer that a request names (upstream's CertificateApproval, CertificateSigning and
 * CertificateSubjectRestriction): a second permission, `approve` or `sign` on that signer, besides writing the sub-resource.
 */
export function certificateRequests(authorize: ResourceServices['authorize'], owner: OwnedByCluster): AdmissionRule {
  return {
    name: 'CertificateRequests',
    async validate(request) {
      const next = asKind(request.object, 'certificates.k8s.io/v1', 'CertificateSigningRequest')
      if (!next) return
      if (request.operation === 'CREATE') return checkNames(request, next, owner)
      const previous = asKind(request.previous, 'certificates.k8s.io/v1', 'CertificateSigningRequest')
      if (request.subresource === 'approval') checkSigner('approve', request, next.spec.signerName)
      else if (request.subresource === 'status' && next.status.certificate !== previous?.status.certificate) {
        checkSigner('sign', request, next.spec.signerName)
      }
    },
  }

  function checkSigner(verb: 'approve' | 'sign', request: AdmissionRequest, signer: string): void {
    const may = (name: string) => {
      const asked = { group: 'certificates.k8s.io', version: '*', resource: 'signers', subresource: '', namespace: '', name }
      return authorize({ user: request.user, verb, ...asked }).decision === 'allow'
    }
    // A permission may name the signer, or all signers of its domain.
    if (may(signer) || may(`${signer.slice(0, signer.indexOf('/'))}/*`)) return
    throw refusal(request, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`)
  }
}

/** Nobody is to become a master by certificate request, nor to serve as this server or as a Service, whatever Node claims to be found there. */
async function checkNames(request: AdmissionRequest, { spec }: CertificateSigningRequest, owner: OwnedByCluster): Promise<void> {
  const { signerName } = spec
  if (signerName !== CLIENT_SIGNER && signerName !== NODE_SERVING_SIGNER) return
  const content = await contentOf(spec.request)
  if (signerName === CLIENT_SIGNER && content?.subject.organizations.includes(systemGroup.masters)) {
    throw refusal(request, `use of ${CLIENT_SIGNER} signer with ${systemGroup.masters} group is not allowed`)
  }
  if (signerName !== NODE_SERVING_SIGNER) return
  for (const name of [...(content?.names.dnsNames ?? []), ...(content?.names.ipAddresses ?? [])]) {
    const whose = owner(name)
    if (whose !== undefined) throw refusal(request, `no node serves as ${name}: it belongs to ${whose}`)
  }
}

/** A request that cannot be read names nobody; the kind's own validation says what is wrong with it. */
async function contentOf(request: string): Promise<CertificateRequest | undefined> {
  try {
    return await readRequest(Buffer.from(request, 'base64').toString('utf8'))
  } catch {
    return undefined
  }
}
