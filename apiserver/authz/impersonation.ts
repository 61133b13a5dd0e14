import { isUtf8 } from 'node:buffer'
import { StatusError } from '../../shared/errors/status-error.ts'
import { parseServiceAccountUser, serviceAccountGroups, systemGroup, systemUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from './authorizer.ts'

/** Lower-case names; an array where a header came more than once (`request.headersDistinct`). */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const EXTRA = 'impersonate-extra-'

/** Whether a request wants to act as someone else; cheap, for the common case that it does not. */
export function wantsImpersonation(headers: Headers): boolean {
  if (headers['impersonate-user'] !== undefined || headers['impersonate-group'] !== undefined || headers['impersonate-uid'] !== undefined)
    return true
  for (const name in headers) if (name.startsWith(EXTRA)) return true
  return false
}

/**
 * The user that the `Impersonate-*` headers ask for. Each part (user, each group, uid, each extra value) is a question of
 * its own, with the verb `impersonate`.
 * @throws StatusError BadRequest without a user to be; whatever `require` throws for a part that is not allowed.
 */
export function impersonatedUser(user: User, headers: Headers, require: (attributes: AccessAttributes) => void): User {
  const [name] = valuesOf(headers['impersonate-user'])
  const groups = valuesOf(headers['impersonate-group'])
  const [uid] = valuesOf(headers['impersonate-uid'])
  const extra = extraOf(headers)
  if (!name) throw new StatusError('BadRequest', 'requested to impersonate groups, a uid or extras without impersonating a user')

  const ask = (part: { group?: string; resource: string; subresource?: string; namespace?: string; name: string }) =>
    require({ user, verb: 'impersonate', group: '', version: 'v1', subresource: '', namespace: '', ...part })
  const account = parseServiceAccountUser(name)
  if (account) ask({ resource: 'serviceaccounts', ...account })
  else ask({ resource: 'users', name })
  for (const group of groups) ask({ resource: 'groups', name: group })
  if (uid !== undefined) ask({ group: 'authentication.k8s.io', resource: 'uids', name: uid })
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) ask({ group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value })
  }
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: groupsFor(name, groups, account?.namespace),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  }
}

/** Everybody is authenticated or not, whether or not the headers say so; a service account is in its groups when none are named. */
function groupsFor(name: string, groups: readonly string[], accountNamespace: string | undefined): string[] {
  const own = groups.length === 0 && accountNamespace !== undefined ? serviceAccountGroups(accountNamespace) : groups
  const everybody = name === systemUser.anonymous ? systemGroup.unauthenticated : systemGroup.authenticated
  const decided = own.includes(systemGroup.authenticated) || own.includes(systemGroup.unauthenticated)
  return decided ? [...own] : [...own, everybody]
}

function extraOf(headers: Headers): Record<string, string[]> {
  const extra = new Map<string, string[]>()
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(EXTRA)) continue
    const key = decodeKey(header.slice(EXTRA.length))
    extra.set(key, [...(extra.get(key) ?? []), ...valuesOf(value)])
  }
  return Object.fromEntries(extra)
}

/** Keys may hold characters that header names may not, percent-encoded; one that is not is meant as it stands. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase()
  } catch {
    return key
  }
}

/** Header values arrive one sign a byte; who somebody is must not depend on how bytes were read. @throws StatusError BadRequest for bytes that are no UTF-8 */
function unicode(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  if (!isUtf8(bytes)) throw new StatusError('BadRequest', 'the Impersonate headers must be valid UTF-8')
  return bytes.toString()
}

/** Node joins repeated headers with a comma and a space where it is not asked for them one by one. */
function valuesOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return (typeof value === 'string' ? value.split(', ') : value).map(unicode)
}
