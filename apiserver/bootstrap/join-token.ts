import { type BootstrapToken, bootstrapTokenSecret } from '../../shared/certificates/bootstrap-token.ts'
import { type RequiredObject, required } from './ensure.ts'

/** The Secret behind the standing join token: what makes the token in bootstrap.kubeconfig worth something. */
export function requiredJoinToken(token: BootstrapToken): RequiredObject {
  const description = 'Lets worker hosts join. Written by the API server; its file is pki/bootstrap-token.'
  return required('v1', 'Secret', bootstrapTokenSecret(token, { description }))
}
