import { type Check, exceptInUserNamespace, type FindViolation } from '../check.ts'
import { badSetters } from '../wording.ts'

const find: FindViolation = (_metadata, spec) => {
  const setters = badSetters(spec, ({ runAsUser }) => runAsUser === 0)
  return setters === undefined ? undefined : { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` }
}

/** Nobody asks to be root. */
export const runAsUser: Check = {
  id: 'runAsUser',
  level: 'restricted',
  versions: [
    { since: 23, find },
    { since: 35, find: exceptInUserNamespace(find) },
  ],
}
