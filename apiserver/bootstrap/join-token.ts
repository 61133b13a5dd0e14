import type { BootstrapToken } from '../certificates/bootstrap-token.ts'
import { type RequiredObject, required } from './ensure.ts'

/** The Secret behind the standing join token: what makes the token in bootstrap.kubeconfig worth something. */
export function requiredJoinToken({ id, secret }: BootstrapToken): RequiredObject {
  const fields = {
    description: 'Lets worker hosts join. Written by the API server; its file is pki/bootstrap-token.',
    'token-id': id,
    'token-secret': secret,
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  }
  const data = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
  return required('v1', 'Secret', {
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data,
  })
}
