import type { Check } from '../check.ts'

/** The node's network, processes and shared memory are the node's. */
export const hostNamespaces: Check = {
  id: 'hostNamespaces',
  level: 'baseline',
  versions: [
    {
      since: 0,
      find(_metadata, spec) {
        const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field])
        if (shared.length === 0) return undefined
        return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') }
      },
    },
  ],
}
