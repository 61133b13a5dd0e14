import type { Check, FindViolation } from '../check.ts'
import { badSetters, named, sortedSet } from '../wording.ts'

const TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t']

function finding(allowed: readonly string[]): FindViolation {
  return (_metadata, spec) => {
    const types: string[] = []
    let [hasUser, hasRole] = [false, false]
    const setters = badSetters(spec, ({ seLinuxOptions }) => {
      if (!seLinuxOptions) return false
      const { type = '', user, role } = seLinuxOptions
      const isOther = !allowed.includes(type)
      if (isOther) types.push(type)
      hasUser ||= !!user
      hasRole ||= !!role
      return isOther || !!user || !!role
    })
    if (setters === undefined) return undefined
    const bad = [
      ...(types.length > 0 ? [named('type', sortedSet(types))] : []),
      ...(hasUser ? ['user may not be set'] : []),
      ...(hasRole ? ['role may not be set'] : []),
    ]
    return { reason: 'seLinuxOptions', detail: `${setters} set forbidden securityContext.seLinuxOptions: ${bad.join('; ')}` }
  }
}

/** SELinux confines containers as it is meant to. */
export const seLinuxOptions: Check = {
  id: 'seLinuxOptions',
  level: 'baseline',
  versions: [
    { since: 0, find: finding(TYPES) },
    { since: 31, find: finding([...TYPES, 'container_engine_t']) },
  ],
}
