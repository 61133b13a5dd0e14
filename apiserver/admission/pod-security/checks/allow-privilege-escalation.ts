import { type Check, exceptOnWindows, type FindViolation } from '../check.ts'
import { containersThat, named } from '../wording.ts'

const find: FindViolation = (_metadata, spec) => {
  const bad = containersThat(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (bad.length === 0) return undefined
  const detail = `${named('container', bad)} must set securityContext.allowPrivilegeEscalation=false`
  return { reason: 'allowPrivilegeEscalation != false', detail }
}

/** No program gets more rights than what started it. The field is there since 1.8. */
export const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  versions: [
    { since: 8, find },
    { since: 25, find: exceptOnWindows(find) },
  ],
}
