import type { TLSSocket } from 'node:tls'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { StatusError } from '../../shared/errors/status-error.ts'

/**
 * Who may use the node's API: whoever may do everything anyway, the API server among them. A name alone opens nothing: certificates with
 * any common name are signed on request once a person approves, none with this group is (admission/certificate-requests.ts of the API server).
 */
const MASTERS = 'system:masters'

/**
 * Lets the request through or throws. The connection must carry a client certificate of the cluster's authority: exec on a node is root
 * in every container of it.
 * @throws StatusError Unauthorized without such a certificate, Forbidden for others' certificates
 */
export function requireApiServer(socket: Pick<TLSSocket, 'authorized' | 'getPeerX509Certificate'>): void {
  const peer = socket.getPeerX509Certificate()
  if (!peer || !socket.authorized) throw new StatusError('Unauthorized', 'Unauthorized')
  const { subject } = readCertificate(peer.raw)
  if (subject.organizations.includes(MASTERS)) return
  throw new StatusError('Forbidden', `Forbidden (user=${subject.commonName}, resource=nodes, subresource=proxy)`)
}
