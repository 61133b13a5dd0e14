import { type Check, exceptInUserNamespace, type FindViolation } from '../check.ts'
import { containersThat, named, quotedList, sortedSet } from '../wording.ts'

/** Also what the restricted level asks for when this check has become milder. */
export const findProcMount: FindViolation = (_metadata, spec) => {
  const types: string[] = []
  const bad = containersThat(spec, ({ securityContext }) => {
    const type = securityContext?.procMount
    if (type === undefined || type === 'Default') return false
    types.push(type)
    return true
  })
  if (bad.length === 0) return undefined
  const detail = `${named('container', bad)} must not set securityContext.procMount to ${quotedList(sortedSet(types))}`
  return { reason: 'procMount', detail }
}

/** `/proc` is masked. */
export const procMount: Check = {
  id: 'procMount',
  level: 'baseline',
  versions: [
    { since: 0, find: findProcMount },
    { since: 35, find: exceptInUserNamespace(findProcMount) },
  ],
}
