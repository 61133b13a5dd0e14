import { parseKubeconfig } from '../../shared/client/kubeconfig.ts'

/** Which cluster a kubeconfig leads to. */
export interface ClusterAccess {
  server: string
  /** As the kubeconfig spells them: the list of all its servers, for one. */
  extensions?: unknown
  /** PEM. */
  authority: string
}

interface KubeconfigText {
  'current-context'?: string
  contexts?: { name: string; context: { cluster: string; user: string } }[]
  clusters?: { name: string; cluster: { server?: string; extensions?: unknown; 'certificate-authority-data'?: string } }[]
  users?: { name: string; user: { 'client-certificate'?: string } }[]
}

/** Reads the cluster of the current context. @throws Error that says what is missing */
export function readCluster(text: string): ClusterAccess {
  const config = parseKubeconfig(text) as KubeconfigText | null
  const context = config?.contexts?.find((one) => one.name === config['current-context'])?.context
  const cluster = config?.clusters?.find((one) => one.name === context?.cluster)?.cluster
  if (!cluster?.server) throw new Error('the kubeconfig names no server')
  const data = cluster['certificate-authority-data']
  if (!data) throw new Error('the kubeconfig carries no certificate-authority-data')
  return { server: cluster.server, extensions: cluster.extensions, authority: Buffer.from(data, 'base64').toString('utf8') }
}

/** True when the kubeconfig gets its certificate from that file: then it is ours to renew. */
export function usesCertificate(text: string, file: string): boolean {
  const config = parseKubeconfig(text) as KubeconfigText | null
  return (config?.users ?? []).some((one) => one.user['client-certificate'] === file)
}

/** A kubeconfig that names the certificate's file, so that whoever uses it follows renewals. */
export function nodeKubeconfig({ server, extensions, authority }: ClusterAccess, userName: string, certificateFile: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'default', cluster: { server, extensions, 'certificate-authority-data': Buffer.from(authority).toString('base64') } },
    ],
    users: [{ name: userName, user: { 'client-certificate': certificateFile, 'client-key': certificateFile } }],
    contexts: [{ name: 'default', context: { cluster: 'default', user: userName } }],
    'current-context': 'default',
  })
}
