import type { ObjectName } from '../objects/object.ts'
import type { TokenRequestSpec } from '../openapi/generated/authentication-v1.ts'
import type { Client, WriteOptions } from './client.ts'

export interface TokenGiven {
  readonly token: string
  /** How long it is good, as the server decided. */
  readonly expirationSeconds: number
  /** When it ends by the server's clock, RFC 3339. */
  readonly expirationTimestamp: string
}

/**
 * Asks for a token of a service account (sub-resource `token`).
 * @param spec no audiences: it is for the API server
 * @throws StatusError, ConnectionError; Error for an answer without a token
 */
export async function requestToken(
  client: Client,
  account: ObjectName,
  spec: Partial<TokenRequestSpec>,
  options?: WriteOptions,
): Promise<TokenGiven> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: { audiences: [], ...spec } }
  const answer = await client.createSubresource('v1', 'ServiceAccount', account, 'token', body, options)
  const { spec: given, status } = (answer ?? {}) as { spec?: Record<string, unknown>; status?: Record<string, unknown> }
  const [token, expirationSeconds, expirationTimestamp] = [status?.['token'], given?.['expirationSeconds'], status?.['expirationTimestamp']]
  if (typeof token !== 'string' || typeof expirationSeconds !== 'number' || typeof expirationTimestamp !== 'string')
    throw new Error('the API server answered a token request without a token')
  return { token, expirationSeconds, expirationTimestamp }
}
