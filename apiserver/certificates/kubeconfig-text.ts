import type { KeyPair } from './leaf-certificate.ts'

/** Who a kubeconfig speaks as: a client certificate or a token. */
export type KubeconfigUser = { readonly name: string } & ({ readonly pair: KeyPair } | { readonly token: string })

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** The same for a process: JSON, for which it needs no YAML library. */
export function kubeconfigJson(server: string, authority: string, user: KubeconfigUser): string {
  const credentials =
    'pair' in user
      ? { 'client-certificate-data': base64(user.pair.certificate), 'client-key-data': base64(user.pair.key) }
      : { token: user.token }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'coxswain', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [{ name: user.name, user: credentials }],
    contexts: [{ name: 'coxswain', context: { cluster: 'coxswain', user: user.name } }],
    'current-context': 'coxswain',
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}

/** A kubeconfig for people, with everything inside it (no file references), so that it can be copied anywhere. */
export function kubeconfigText(server: string, authority: string, user: KubeconfigUser): string {
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
    `    server: ${JSON.stringify(server)}`,
    `    certificate-authority-data: ${base64(authority)}`,
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
