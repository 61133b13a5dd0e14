import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { TokenAuthenticator } from './bearer-token.ts'
import { commonAudiences, sameSecret } from './static-token.ts'
import { systemGroup } from './system-names.ts'

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
/** Groups that a token may add: never one that is not for joining nodes. */
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/**
 * Joining nodes, by tokens kept as Secrets `bootstrap-token-<id>` in kube-system. Read anew with each request: deleting
 * the Secret ends the token at once.
 */
export function bootstrapTokenAuthenticator(reader: ObjectReader, clock: Clock, apiAudiences: readonly string[]): TokenAuthenticator {
  return {
    name: 'bootstrap token',
    authenticate(token, audiences) {
      const [, id, secret] = TOKEN.exec(token) ?? []
      if (id === undefined || secret === undefined) return undefined
      const stored = reader.get('v1', 'Secret', { namespace: 'kube-system', name: `bootstrap-token-${id}` })
      if (stored?.type !== 'bootstrap.kubernetes.io/token' || stored.metadata.deletionTimestamp !== undefined) return undefined
      const field = (name: string) => Buffer.from(stored.data?.[name] ?? '', 'base64').toString('utf8')
      const common = commonAudiences(apiAudiences, audiences)
      if (common.length === 0 || field('token-id') !== id || !sameSecret(field('token-secret'), secret)) return undefined

      if (isOver(field('expiration'), clock.now())) throw new StatusError('Unauthorized', `bootstrap token ${id} expired`)
      if (field('usage-bootstrap-authentication') !== 'true') {
        throw new StatusError('Unauthorized', `bootstrap token ${id} is not for authentication`)
      }
      const extra = field('auth-extra-groups')
        .split(',')
        .filter((group) => group !== '')
      const odd = extra.find((group) => !EXTRA_GROUP.test(group))
      if (odd !== undefined) throw new StatusError('Unauthorized', `bootstrap token ${id} names the group ${odd}, which it may not`)
      const groups = [...new Set([systemGroup.bootstrappers, ...extra, systemGroup.authenticated])]
      return { user: { name: `system:bootstrap:${id}`, groups }, audiences: common }
    },
  }
}

/** An expiration that cannot be read counts as over: the safe reading. */
function isOver(expiration: string, now: number): boolean {
  return expiration !== '' && (parseTimestamp(expiration) ?? 0) <= now
}
