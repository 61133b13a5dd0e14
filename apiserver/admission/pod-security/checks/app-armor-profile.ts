import type { PodSecurityContext, SecurityContext } from '../../../../shared/openapi/generated/core-v1.ts'
import type { Check, FindViolation } from '../check.ts'
import { badSetters, plural, quotedList, sortedSet } from '../wording.ts'

/** How it was said before there was a field. */
const ANNOTATIONS = 'container.apparmor.security.beta.kubernetes.io/'

const find: FindViolation = (metadata, spec) => {
  const types: string[] = []
  const setters = badSetters(spec, ({ appArmorProfile }: PodSecurityContext & SecurityContext) => {
    if (!appArmorProfile || appArmorProfile.type === 'RuntimeDefault' || appArmorProfile.type === 'Localhost') return false
    types.push(appArmorProfile.type)
    return true
  })
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(ANNOTATIONS) && !isAllowed(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort()
  const all = [...(setters ? [setters] : []), ...(annotations.length > 0 ? [plural('annotation', annotations.length)] : [])]
  if (all.length === 0) return undefined
  const values = [...sortedSet(types), ...annotations]
  return {
    reason: plural('forbidden AppArmor profile', values.length),
    detail: `${all.join(' and ')} must not set AppArmor profile type to ${quotedList(values)}`,
  }
}

function isAllowed(annotation: string): boolean {
  return annotation === '' || annotation === 'runtime/default' || annotation.startsWith('localhost/')
}

/** AppArmor is not switched off. */
export const appArmorProfile: Check = { id: 'appArmorProfile', level: 'baseline', versions: [{ since: 0, find }] }
