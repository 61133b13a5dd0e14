import { systemGroup, systemUser } from './system-names.ts'
import type { Authenticator } from './user.ts'

const ANONYMOUS = { name: systemUser.anonymous, groups: [systemGroup.unauthenticated] } as const

/** Last in the list: who shows nothing is nobody in particular. What nobody may do is RBAC's decision. */
export function anonymousAuthenticator(): Authenticator {
  return { name: 'anonymous', authenticate: () => ANONYMOUS }
}
