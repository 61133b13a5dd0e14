import type { Check } from '../check.ts'
import { containersThat, named } from '../wording.ts'

/** A privileged container has the node. */
export const privileged: Check = {
  id: 'privileged',
  level: 'baseline',
  versions: [
    {
      since: 0,
      find(_metadata, spec) {
        const bad = containersThat(spec, ({ securityContext }) => securityContext?.privileged === true)
        if (bad.length === 0) return undefined
        return { reason: 'privileged', detail: `${named('container', bad)} must not set securityContext.privileged=true` }
      },
    },
  ],
}
