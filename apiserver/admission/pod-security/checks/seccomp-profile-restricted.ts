import { type Check, exceptOnWindows, type FindViolation } from '../check.ts'
import { containersThat, named } from '../wording.ts'
import { findSeccompProfiles } from './seccomp-profile-baseline.ts'

const find: FindViolation = (metadata, spec) => {
  const wrong = findSeccompProfiles(metadata, spec)
  if (wrong || spec.securityContext?.seccompProfile) return wrong
  const without = containersThat(spec, ({ securityContext }) => !securityContext?.seccompProfile)
  if (without.length === 0) return undefined
  const values = '"RuntimeDefault" or "Localhost"'
  const detail = `pod or ${named('container', without)} must set securityContext.seccompProfile.type to ${values}`
  return { reason: 'seccompProfile', detail }
}

/** Seccomp is switched on, by the pod or by each container. */
export const seccompProfileRestricted: Check = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  replaces: 'seccompProfile_baseline',
  versions: [
    { since: 19, find },
    { since: 25, find: exceptOnWindows(find) },
  ],
}
