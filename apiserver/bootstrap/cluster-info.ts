import { FRONT_PROXY_CLIENT, frontProxyHeaders } from '../certificates/front-proxy.ts'
import { clusterLines } from '../certificates/kubeconfig-text.ts'
import { type RequiredObject, required } from './ensure.ts'

/** Who this cluster is. The authorities are PEM. */
export interface ClusterIdentity {
  /** What clients dial, for the public card. */
  readonly servers: readonly string[]
  readonly authority: string
  /** By it extension servers know the front proxy. */
  readonly frontProxyAuthority: string
}

/** Who the front proxy is, and by which headers it says whom it speaks for: lists, as JSON, as upstream writes them. */
const FRONT_PROXY_WORDS = {
  'requestheader-allowed-names': JSON.stringify([FRONT_PROXY_CLIENT]),
  'requestheader-username-headers': JSON.stringify([frontProxyHeaders.user]),
  'requestheader-uid-headers': JSON.stringify([frontProxyHeaders.uid]),
  'requestheader-group-headers': JSON.stringify([frontProxyHeaders.group]),
  'requestheader-extra-headers-prefix': JSON.stringify([frontProxyHeaders.extraPrefix]),
}

/** What a machine that knows only the address may learn: the authority's certificate. And what extension servers need to check clients. */
export function requiredClusterInfo({ servers, authority, frontProxyAuthority }: ClusterIdentity): RequiredObject[] {
  const kubeconfig = [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: ""',
    '  cluster:',
    ...clusterLines({ servers, authority }, '    '),
    'contexts: null',
    'current-context: ""',
    'users: null',
    '',
  ].join('\n')
  return [
    configMap('kube-public', 'cluster-info', { kubeconfig }),
    configMap('kube-system', 'extension-apiserver-authentication', {
      'client-ca-file': authority,
      'requestheader-client-ca-file': frontProxyAuthority,
      ...FRONT_PROXY_WORDS,
    }),
  ]
}

function configMap(namespace: string, name: string, data: Record<string, string>): RequiredObject {
  return required('v1', 'ConfigMap', { metadata: { namespace, name }, data }, (present) => {
    const outdated = Object.entries(data).some(([key, text]) => present.data?.[key] !== text)
    return outdated ? { ...present, data: { ...present.data, ...data } } : undefined
  })
}
