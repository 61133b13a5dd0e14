import type { SeccompProfile } from '../../../../shared/openapi/generated/core-v1.ts'
import { type Check, containersOf, type FindViolation } from '../check.ts'
import { badSetters, plural, quotedList, sortedSet } from '../wording.ts'

/** How it was said before 1.19. */
const POD = 'seccomp.security.alpha.kubernetes.io/pod'
const CONTAINERS = 'container.seccomp.security.alpha.kubernetes.io/'

const findAnnotations: FindViolation = ({ annotations = {} }, spec) => {
  const keys = [POD, ...containersOf(spec).map(({ name }) => CONTAINERS + name)]
  const bad = keys.flatMap((key) => {
    const value = annotations[key]
    if (value === undefined || value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')) return []
    return [`${key}=${JSON.stringify(value)}`]
  })
  if (bad.length === 0) return undefined
  const all = sortedSet(bad)
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', all.length)} ${all.join(', ')}` }
}

/** Who sets a profile that is none; also half of what the restricted level asks for. */
export const findSeccompProfiles: FindViolation = (_metadata, spec) => {
  const types: string[] = []
  const setters = badSetters(spec, ({ seccompProfile }) => {
    if (!seccompProfile || isConfining(seccompProfile)) return false
    types.push(seccompProfile.type)
    return true
  })
  if (setters === undefined) return undefined
  const detail = `${setters} must not set securityContext.seccompProfile.type to ${quotedList(sortedSet(types))}`
  return { reason: 'seccompProfile', detail }
}

function isConfining({ type }: SeccompProfile): boolean {
  return type === 'RuntimeDefault' || type === 'Localhost'
}

/** Seccomp is not switched off. */
export const seccompProfileBaseline: Check = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  versions: [
    { since: 0, find: findAnnotations },
    { since: 19, find: findSeccompProfiles },
  ],
}
