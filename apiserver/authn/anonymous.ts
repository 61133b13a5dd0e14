import { systemGroup, systemUser } from './system-names.ts'
import type { Authenticator } from './user.ts'

const ANONYMOUS = { name: systemUser.anonymous, groups: [systemGroup.unauthenticated] } as const

/** Whether who shows nothing is somebody; with paths, only there. */
export interface AnonymousRule {
  readonly enabled: boolean
  readonly conditions?: readonly { readonly path: string }[] | undefined
}

/** Last in the list: who shows nothing is nobody in particular. What nobody may do is RBAC's decision. @param rule asked with each request */
export function anonymousAuthenticator(rule: () => AnonymousRule): Authenticator {
  return {
    name: 'anonymous',
    authenticate({ url = '' }) {
      const { enabled, conditions = [] } = rule()
      const isMeant = conditions.length === 0 || conditions.some(({ path }) => path === url.split('?', 1)[0])
      return enabled && isMeant ? ANONYMOUS : undefined
    },
  }
}
