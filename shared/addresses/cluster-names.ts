/** Names by which clients know the API server without being told. */
const OWN = new Set(['localhost', 'kubernetes', 'apiserver', 'kube-apiserver', 'kubernetes-apiserver'])

/**
 * Whether a DNS name is one of the cluster's own, whatever machine asks for it: who may serve under it is believed to be the API server,
 * or a Service. Neither a node nor one of its addresses is ever called so.
 * @param domain of cluster DNS
 */
export function isClusterName(name: string, domain = 'cluster.local'): boolean {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.')
  if (OWN.has(labels.join('.')) || labels[0] === 'kubernetes' || labels.at(-1) === 'localhost') return true
  // `web.default.svc` means something in every cluster, with or without a domain behind it.
  if (labels.slice(1).includes('svc') || labels.some((label) => label.includes('*'))) return true
  return [domain, 'cluster.local'].some((each) => `.${labels.join('.')}`.endsWith(`.${each.toLowerCase()}`))
}
