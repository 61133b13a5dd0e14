import type { TLSSocket } from 'node:tls'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { StatusError } from '../../shared/errors/status-error.ts'

/** Who may use the node's API: the API server, and whoever may do everything anyway. */
const API_SERVER = 'kube-apiserver-kubelet-client'
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
  if (subject.commonName === API_SERVER || subject.organizations.includes(MASTERS)) return
  throw new StatusError('Forbidden', `Forbidden (user=${subject.commonName}, resource=nodes, subresource=proxy)`)
}
