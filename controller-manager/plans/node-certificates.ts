import { isClusterName } from '../../shared/addresses/cluster-names.ts'
import { canonicalAddress, parseAddress, specialRangeProblem } from '../../shared/addresses/ip-address.ts'
import { type CertificateRequest, readRequest } from '../../shared/certificates/certificate-request.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'

export const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'
export const NODE_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet'
export const NODE_SERVING_SIGNER = 'kubernetes.io/kubelet-serving'

/** Signers this cluster's authority signs for. */
export const SIGNERS: ReadonlySet<string> = new Set([CLIENT_SIGNER, NODE_CLIENT_SIGNER, NODE_SERVING_SIGNER])

const NODES = 'system:nodes'
const NODE_PREFIX = 'system:node:'

/** Why a request cannot be a node's, or undefined when it is one; the rules of the two node signers' documentation. Pure. */
export function nodeRequestProblem(request: CertificateSigningRequest, content: CertificateRequest): string | undefined {
  const serving = request.spec.signerName === NODE_SERVING_SIGNER
  const { subject, names } = content
  const named = names.dnsNames.length + names.ipAddresses.length
  if (names.emailAddresses.length + names.uris.length > 0) return 'a node has no e-mail addresses and no URIs'
  if (subject.organizations.length !== 1 || subject.organizations[0] !== NODES) return `the organization must be exactly ${NODES}`
  if (!subject.commonName.startsWith(NODE_PREFIX)) return `the common name must begin with ${NODE_PREFIX}`
  if (!serving && named > 0) return 'a client certificate of a node has no subject alternative names'
  if (serving && named === 0) return 'a serving certificate needs at least one DNS name or IP address'
  const needed = serving ? 'server auth' : 'client auth'
  const allowed = new Set(['digital signature', 'key encipherment', needed])
  const usages = request.spec.usages ?? []
  if (!usages.includes(needed)) return `the usages must contain ${needed}`
  const other = usages.find((usage) => !allowed.has(usage))
  return other === undefined ? undefined : `the usage ${other} is not for nodes`
}

/** Whether a node asks for itself; then its right to renew is what counts, else its right to join. */
export function isSelfRequest(request: CertificateSigningRequest, content: CertificateRequest): boolean {
  return request.spec.username === content.subject.commonName
}

/**
 * Why a node may not serve under the names it asks for: it must ask for itself, and for addresses it is known by. The cluster's own
 * names, those of other nodes and addresses that another node has too (but for one that has fallen silent) are never given, though a Node should claim them: the API server refuses such Nodes and such requests
 * (its admission/node-addresses.ts), and this is the wall behind that one.
 * @param nodes all of them
 */
export function servingRequestProblem(
  request: CertificateSigningRequest,
  content: CertificateRequest,
  nodes: readonly Node[],
): string | undefined {
  const name = nodeNameOf(content)
  const node = nodes.find(({ metadata }) => metadata.name === name)
  if (!isSelfRequest(request, content)) return 'only a node itself may ask for its serving certificate'
  if (!node) return 'the node is not registered'
  const known = new Set([node.metadata.name, ...(node.status.addresses ?? []).map(({ address }) => address)])
  const stranger = [...content.names.dnsNames, ...content.names.ipAddresses].find((name) => !known.has(name))
  if (stranger !== undefined) return `${stranger} is not an address of the node`
  const others = new Set(nodes.filter((each) => each !== node).map(({ metadata }) => metadata.name))
  for (const name of [...content.names.dnsNames, ...content.names.ipAddresses]) {
    const other = nodes.find((each) => each !== node && !isSilent(each) && each.status.addresses?.some((has) => isSame(has.address, name)))
    if (other) return `${name} is an address of node ${other.metadata.name} too`
  }
  for (const dnsName of content.names.dnsNames) {
    if (isClusterName(dnsName)) return `${dnsName} is a name of the cluster itself`
    if (others.has(dnsName.toLowerCase())) return `${dnsName} is the name of another node`
  }
  for (const text of content.names.ipAddresses) {
    const address = parseAddress(text)
    const why = address ? specialRangeProblem(address) : 'is no address'
    if (why !== undefined) return `${text} ${why}`
  }
  return undefined
}

/** Its kubelet has not been heard of for a while: its addresses may be others' by now (docs/decisions/0008-whose-address.md). */
function isSilent({ status }: Node): boolean {
  return status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ?? false
}

function isSame(one: string, other: string): boolean {
  return (canonicalAddress(one) ?? one.toLowerCase()) === (canonicalAddress(other) ?? other.toLowerCase())
}

/** What a request asks for. @throws TerminalError when it cannot be read, or its author does not hold the key */
export async function contentOf({ spec }: CertificateSigningRequest): Promise<CertificateRequest> {
  try {
    return await readRequest(Buffer.from(spec.request, 'base64').toString())
  } catch (error) {
    throw new TerminalError('the certificate request cannot be read', { cause: error })
  }
}

export function nodeNameOf(content: CertificateRequest): string {
  return content.subject.commonName.slice(NODE_PREFIX.length)
}

export function conditionOf(request: CertificateSigningRequest, type: 'Approved' | 'Denied' | 'Failed') {
  return request.status.conditions?.find((condition) => condition.type === type)
}
