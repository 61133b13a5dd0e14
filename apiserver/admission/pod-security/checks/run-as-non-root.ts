import { type Check, exceptInUserNamespace, type FindViolation } from '../check.ts'
import { badSetters, containersThat, named } from '../wording.ts'

const REASON = 'runAsNonRoot != true'

const find: FindViolation = (_metadata, spec) => {
  const setters = badSetters(spec, ({ runAsNonRoot }) => runAsNonRoot === false)
  if (setters !== undefined) return { reason: REASON, detail: `${setters} must not set securityContext.runAsNonRoot=false` }
  if (spec.securityContext?.runAsNonRoot) return undefined
  const silent = containersThat(spec, ({ securityContext }) => !securityContext?.runAsNonRoot)
  if (silent.length === 0) return undefined
  return { reason: REASON, detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true` }
}

/** Programs of images that want to be root do not start. */
export const runAsNonRoot: Check = {
  id: 'runAsNonRoot',
  level: 'restricted',
  versions: [
    { since: 0, find },
    { since: 35, find: exceptInUserNamespace(find) },
  ],
}
