import type { Volume } from '../../../../shared/openapi/generated/core-v1.ts'
import type { Check } from '../check.ts'
import { named, plural, quotedList, sortedSet } from '../wording.ts'

const ALLOWED = [
  ...(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'] as const),
]

/** Volumes are the cluster's own things, or come by claims; storage outside is named by administrators. */
export const restrictedVolumes: Check = {
  id: 'restrictedVolumes',
  level: 'restricted',
  replaces: 'hostPathVolumes',
  versions: [
    {
      since: 0,
      find(_metadata, { volumes = [] }) {
        const bad = volumes.filter((volume) => !ALLOWED.some((type) => volume[type]))
        if (bad.length === 0) return undefined
        const names = bad.map(({ name }) => name)
        const types = sortedSet(bad.map(typeOf))
        const uses = `${names.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quotedList(types)}`
        return { reason: 'restricted volume types', detail: `${named('volume', names)} ${uses}` }
      },
    },
  ],
}

function typeOf(volume: Volume): string {
  return Object.entries(volume).find(([field, source]) => field !== 'name' && source)?.[0] ?? 'unknown'
}
