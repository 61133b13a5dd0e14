import { type RequiredObject, required } from './ensure.ts'

/** What a machine that knows only the address may learn: the authority's certificate. And what extension servers need to check clients. */
export function requiredClusterInfo(server: string, authority: string): RequiredObject[] {
  const kubeconfig = [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: ""',
    '  cluster:',
    `    server: ${JSON.stringify(server)}`,
    `    certificate-authority-data: ${Buffer.from(authority).toString('base64')}`,
    'contexts: null',
    'current-context: ""',
    'users: null',
    '',
  ].join('\n')
  return [
    configMap('kube-public', 'cluster-info', { kubeconfig }),
    configMap('kube-system', 'extension-apiserver-authentication', { 'client-ca-file': authority }),
  ]
}

function configMap(namespace: string, name: string, data: Record<string, string>): RequiredObject {
  return required('v1', 'ConfigMap', { metadata: { namespace, name }, data }, (present) => {
    const outdated = Object.entries(data).some(([key, text]) => present.data?.[key] !== text)
    return outdated ? { ...present, data: { ...present.data, ...data } } : undefined
  })
}
