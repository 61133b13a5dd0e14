import type { Client } from '../../shared/client/client.ts'
import { requestToken } from '../../shared/client/request-token.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'

/** Which token: for whom, how long. */
export interface TokenWish {
  audience: string | undefined
  expirationSeconds: number
}

/** Tokens of the pods' service accounts, renewed before they expire. */
export interface ServiceAccountTokens {
  /** With its end, milliseconds since the epoch. @throws as `token` */
  issued(pod: Pod, wish: TokenWish, signal: AbortSignal): Promise<IssuedToken>
  /** @throws StatusError when the API server refuses, or cannot be reached and no valid token is left */
  token(pod: Pod, wish: TokenWish, signal: AbortSignal): Promise<string>
  forget(podUid: string): void
}

export interface IssuedToken {
  token: string
  expiresAt: number
}

interface Held extends IssuedToken {
  issuedAt: number
}

/** A token is renewed after this share of its life, or after a day. */
const RENEW_AFTER = 0.8
const DAY = 24 * 60 * 60_000

export function serviceAccountTokens(client: Client, clock: Clock, log: Logger): ServiceAccountTokens {
  const held = new Map<string, Map<string, Held>>()

  const request = async (pod: Pod, wish: TokenWish, signal: AbortSignal): Promise<Held> => {
    const { namespace = '', name = '', uid = '' } = pod.metadata
    const account = { namespace, name: pod.spec.serviceAccountName || 'default' }
    const spec = {
      audiences: wish.audience ? [wish.audience] : [],
      expirationSeconds: wish.expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    }
    const { token, expirationSeconds, expirationTimestamp } = await requestToken(client, account, spec, { signal })
    const life = expirationSeconds * 1000
    const expiresAt = parseTimestamp(expirationTimestamp) ?? clock.now() + life
    // By the server's clock, which may not be ours.
    return { token, issuedAt: Math.min(clock.now(), expiresAt - life), expiresAt }
  }

  const issued = async (pod: Pod, wish: TokenWish, signal: AbortSignal): Promise<IssuedToken> => {
    const uid = pod.metadata.uid ?? ''
    const ofPod = held.get(uid) ?? new Map<string, Held>()
    held.set(uid, ofPod)
    const key = JSON.stringify([pod.spec.serviceAccountName, wish.audience, wish.expirationSeconds])
    const present = ofPod.get(key)
    if (present && !isDue(present, clock.now())) return present
    try {
      const fresh = await request(pod, wish, signal)
      ofPod.set(key, fresh)
      return fresh
    } catch (error) {
      if (!present || present.expiresAt <= clock.now()) throw error
      log.warn('a service account token could not be renewed; the old one is still good', { pod: pod.metadata.name, error })
      return present
    }
  }

  return {
    issued,
    token: async (pod, wish, signal) => (await issued(pod, wish, signal)).token,
    forget: (podUid) => void held.delete(podUid),
  }
}

function isDue({ issuedAt, expiresAt }: Held, now: number): boolean {
  return now >= issuedAt + (expiresAt - issuedAt) * RENEW_AFTER || now >= issuedAt + DAY
}
