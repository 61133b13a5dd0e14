import type { Check } from '../check.ts'
import { containersOf } from '../check.ts'
import { named, plural, sortedSet } from '../wording.ts'

/** Ports of the node are the node's. */
export const hostPorts: Check = {
  id: 'hostPorts',
  level: 'baseline',
  versions: [
    {
      since: 0,
      find(_metadata, spec) {
        const bad: string[] = []
        const taken: string[] = []
        for (const { name, ports = [] } of containersOf(spec)) {
          const used = ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))
          if (used.length > 0) bad.push(name)
          for (const port of used) taken.push(port)
        }
        if (bad.length === 0) return undefined
        const all = sortedSet(taken)
        const detail = `${named('container', bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('hostPort', all.length)} ${all.join(', ')}`
        return { reason: 'hostPort', detail }
      },
    },
  ],
}
