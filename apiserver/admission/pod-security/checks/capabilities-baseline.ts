import type { Check } from '../check.ts'
import { containersThat, named, quotedList, sortedSet } from '../wording.ts'

/** What container runtimes give by themselves, without NET_RAW. */
const ALLOWED = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP'],
  ...['SETUID', 'SYS_CHROOT'],
])

/** No capabilities beyond the usual ones are added. */
export const capabilitiesBaseline: Check = {
  id: 'capabilities_baseline',
  level: 'baseline',
  versions: [
    {
      since: 0,
      find(_metadata, spec) {
        const added: string[] = []
        const bad = containersThat(spec, ({ securityContext }) => {
          const others = (securityContext?.capabilities?.add ?? []).filter((capability) => !ALLOWED.has(capability))
          for (const capability of others) added.push(capability)
          return others.length > 0
        })
        if (bad.length === 0) return undefined
        const detail = `${named('container', bad)} must not include ${quotedList(sortedSet(added))} in securityContext.capabilities.add`
        return { reason: 'non-default capabilities', detail }
      },
    },
  ],
}
