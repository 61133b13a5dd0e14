import type { PersistentVolume } from '../../shared/openapi/generated/core-v1.ts'
import type { SchedulingPlugin } from '../framework.ts'

/** Labels that say where a volume is; several places are joined by two underscores. */
const KEYS = [
  ...['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'],
  ...['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'],
]

/** Bound volumes with labels of a zone or region are used there; nodes without any such label may use all. */
export const volumeZone: SchedulingPlugin = {
  name: 'VolumeZone',
  freedBy: ['volumeChanged', 'nodeAdded', 'nodeUpdated'],
  helps(info, change, { volumes }) {
    if (change.what === 'volumeChanged') return volumes.concerns(info.pod, change)
    return change.what !== 'nodeUpdated' || change.altered.labels.some((key) => KEYS.includes(key))
  },
  filter(info, { volumes }) {
    if (!info.hasClaims) return undefined
    const claims = volumes.claimsOf(info.pod)
    if (typeof claims === 'string') return undefined
    const places = claims.bound.flatMap(placesOf)
    if (places.length === 0) return undefined
    return ({ labels }) => {
      if (!KEYS.some((key) => labels[key] !== undefined)) return undefined
      return places.every(({ key, values }) => values.includes(labels[key] ?? '')) ? undefined : 'node(s) had no available volume zone'
    }
  },
}

function placesOf({ metadata }: PersistentVolume): { key: string; values: string[] }[] {
  return KEYS.flatMap((key) => {
    const value = metadata.labels?.[key]
    return value === undefined ? [] : [{ key, values: value.split('__') }]
  })
}
