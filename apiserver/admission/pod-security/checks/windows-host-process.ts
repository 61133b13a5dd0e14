import type { Check } from '../check.ts'
import { badSetters } from '../wording.ts'

/** A host process has the (Windows) node. */
export const windowsHostProcess: Check = {
  id: 'windowsHostProcess',
  level: 'baseline',
  versions: [
    {
      since: 0,
      find(_metadata, spec) {
        const setters = badSetters(spec, ({ windowsOptions }) => windowsOptions?.hostProcess === true)
        if (setters === undefined) return undefined
        return { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` }
      },
    },
  ],
}
