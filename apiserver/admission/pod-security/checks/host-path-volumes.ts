import type { Check } from '../check.ts'
import { named } from '../wording.ts'

/** Files of the node are the node's. */
export const hostPathVolumes: Check = {
  id: 'hostPathVolumes',
  level: 'baseline',
  versions: [
    {
      since: 0,
      find(_metadata, { volumes = [] }) {
        const bad = volumes.filter(({ hostPath }) => hostPath).map(({ name }) => name)
        return bad.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', bad) }
      },
    },
  ],
}
