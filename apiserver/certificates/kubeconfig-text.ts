import type { KeyPair } from '../../shared/certificates/leaf-certificate.ts'
import { SERVERS_EXTENSION } from '../../shared/client/kubeconfig.ts'

/** Who a kubeconfig speaks as: a client certificate or a token. */
export type KubeconfigUser = { readonly name: string } & ({ readonly pair: KeyPair } | { readonly token: string })

/** The cluster that a kubeconfig leads to. */
export interface KubeconfigCluster {
  /** What may be dialled; a client that knows of one server only takes the first. */
  readonly servers: readonly string[]
  /** PEM. */
  readonly authority: string
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** The cluster's part of a kubeconfig, as lines of YAML below `cluster:`. */
export function clusterLines({ servers, authority }: KubeconfigCluster, indent: string): string[] {
  return [
    `server: ${JSON.stringify(servers[0])}`,
    `certificate-authority-data: ${base64(authority)}`,
    ...extensionsOf(servers).map((extension) => `extensions: [${JSON.stringify(extension)}]`),
  ].map((line) => `${indent}${line}`)
}

function extensionsOf(servers: readonly string[]) {
  return servers.length > 1 ? [{ name: SERVERS_EXTENSION, extension: { servers } }] : []
}

/** The same for a process: JSON, for which it needs no YAML library. Without a user: for who has only what others bring. */
export function kubeconfigJson({ servers, authority }: KubeconfigCluster, user?: KubeconfigUser): string {
  const extensions = extensionsOf(servers)
  const cluster = { server: servers[0], 'certificate-authority-data': base64(authority), ...(extensions.length > 0 && { extensions }) }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'coxswain', cluster }],
    users: user ? [{ name: user.name, user: credentialsOf(user) }] : [],
    contexts: [{ name: 'coxswain', context: { cluster: 'coxswain', ...(user && { user: user.name }) } }],
    'current-context': 'coxswain',
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}

function credentialsOf(user: KubeconfigUser): object {
  if (!('pair' in user)) return { token: user.token }
  return { 'client-certificate-data': base64(user.pair.certificate), 'client-key-data': base64(user.pair.key) }
}

/** A kubeconfig for people, with everything inside it (no file references), so that it can be copied anywhere. */
export function kubeconfigText(cluster: KubeconfigCluster, user: KubeconfigUser): string {
  const credentials =
    'pair' in user
      ? [`    client-certificate-data: ${base64(user.pair.certificate)}`, `    client-key-data: ${base64(user.pair.key)}`]
      : [`    token: ${JSON.stringify(user.token)}`]
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: coxswain',
    '  cluster:',
    ...clusterLines(cluster, '    '),
    'users:',
    `- name: ${JSON.stringify(user.name)}`,
    '  user:',
    ...credentials,
    'contexts:',
    '- name: coxswain',
    '  context:',
    '    cluster: coxswain',
    `    user: ${JSON.stringify(user.name)}`,
    'current-context: coxswain',
    '',
  ].join('\n')
}
