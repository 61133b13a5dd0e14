import { createHash, timingSafeEqual } from 'node:crypto'
import type { TokenAuthenticator } from './bearer-token.ts'
import { systemGroup } from './system-names.ts'
import type { User } from './user.ts'

/**
 * Users from a file, one a line: `token,user,uid[,"group1,group2"]`. Blank lines and lines that begin with `#` do not count.
 * `apiAudiences` is what such a token, which says nothing about audiences, is good for.
 * @throws Error that names the line when one is malformed; a silently skipped user would be a riddle.
 */
export function staticTokenAuthenticator(file: string, apiAudiences: readonly string[]): TokenAuthenticator {
  const users = new Map<string, User>()
  file.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return
    const [token, name, uid, groups = ''] = columnsOf(line)
    if (!token || !name || uid === undefined) throw new Error(`token file, line ${index + 1}: expected token,user,uid[,"group,…"]`)
    users.set(digest(token), {
      name,
      ...(uid ? { uid } : {}),
      groups: [...groups.split(',').map((group) => group.trim()), systemGroup.authenticated].filter((group) => group !== ''),
    })
  })
  // Tokens that were right, so that each is digested once and not with every request.
  const known = new Map<string, User>()
  return {
    name: 'token file',
    authenticate(token, audiences) {
      const seen = known.get(token)
      if (seen && audiences.length === 0) return { user: seen, audiences: apiAudiences }
      // Looked up by digest, so that the time it takes says nothing about how much of a guess was right.
      const user = users.get(digest(token))
      if (user) known.set(token, user)
      const common = commonAudiences(apiAudiences, audiences)
      return user && common.length > 0 ? { user, audiences: common } : undefined
    },
  }
}

/** What a token that is good for `own` is good for, among the audiences that are asked for (none: all of its own). */
export function commonAudiences(own: readonly string[], asked: readonly string[]): readonly string[] {
  return asked.length === 0 ? own : own.filter((audience) => asked.includes(audience))
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest())
}

const digest = (token: string) => createHash('sha256').update(token).digest('base64')

/** One line of comma-separated values; quotes hold commas together, doubled quotes are one quote. */
function columnsOf(line: string): string[] {
  const columns = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return [...columns].map(([, quoted, plain]) => (quoted !== undefined ? quoted.replaceAll('""', '"') : (plain ?? '').trim()))
}
