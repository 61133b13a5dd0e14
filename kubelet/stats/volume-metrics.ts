import { claimsOfPod } from '../../shared/volumes/pod-claims.ts'
import type { VolumeUsage } from '../volumes/volume-usage.ts'
import { family, type Sample } from './exposition.ts'
import type { MeasuredVolumes } from './volume-meter.ts'

const families: readonly [name: string, help: string, value: keyof VolumeUsage][] = [
  ['capacity_bytes', 'Bytes that the volume can hold.', 'capacityBytes'],
  ['available_bytes', 'Bytes that are free in the volume.', 'availableBytes'],
  ['used_bytes', 'Bytes that are used in the volume.', 'usedBytes'],
  ['inodes', 'Files that the volume can hold.', 'inodes'],
  ['inodes_free', 'Files that can still be made in the volume.', 'inodesFree'],
  ['inodes_used', 'Files in the volume.', 'inodesUsed'],
]

/** `kubelet_volume_stats_*` of `/metrics`: volumes of claims, each once, however many pods of the node have it. Names and labels are upstream's. */
export function volumeMetrics(measured: MeasuredVolumes): string {
  const claims = new Map<string, { labels: { namespace: string; persistentvolumeclaim: string }; usage: VolumeUsage }>()
  for (const { pod, volumes } of measured.values()) {
    const { namespace = '' } = pod.metadata
    for (const { volume, claimName } of claimsOfPod(pod)) {
      const usage = volumes.get(volume)
      if (usage) claims.set(`${namespace}/${claimName}`, { labels: { namespace, persistentvolumeclaim: claimName }, usage })
    }
  }
  return families
    .map(([name, help, value]) => {
      const samples = [...claims.values()].flatMap(({ labels, usage }): Sample[] => {
        const amount = usage[value]
        return amount === undefined ? [] : [{ labels, value: amount }]
      })
      return samples.length === 0 ? '' : family(`kubelet_volume_stats_${name}`, 'gauge', help, samples)
    })
    .join('')
}
