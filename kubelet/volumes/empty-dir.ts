import type { EmptyDirVolumeSource, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseQuantity, quantityValue } from '../../shared/quantity/quantity.ts'
import { makeFolder, makeMemoryFolder, removeFolder } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { fsGroupOf, volumeRights } from './ownership.ts'
import { VolumeError, type VolumeType } from './volume.ts'
import { fileSystemUsage } from './volume-usage.ts'

/** The plugin's name. */
export const EMPTY_DIR = 'kubernetes.io/empty-dir'

/** Scratch space that lives as long as the pod: on disk, or in memory. */
export function emptyDir(mounter: Mounter): VolumeType {
  return {
    pluginName: EMPTY_DIR,
    supports: (volume) => volume.emptyDir !== undefined,
    async prepare({ pod, volume, directory }, signal) {
      const { medium = '' } = volume.emptyDir ?? {}
      // It begins empty, so its group is that of its top alone; all that is made in it inherits that.
      const rights = volumeRights(fsGroupOf(pod))
      if (medium === 'Memory') {
        await makeMemoryFolder(directory, mounter, { ...rights, sizeBytes: memoryLimit(volume.emptyDir ?? {}, pod) }, signal)
      } else if (medium === '') await makeFolder(directory, rights)
      else throw new VolumeError(`emptyDir medium ${JSON.stringify(medium)} is not supported`)
      return { hostPath: directory, readOnly: false }
    },
    usage: async ({ volume, directory }) => (volume.emptyDir?.medium === 'Memory' ? fileSystemUsage(directory) : undefined),
    teardown: (directory, signal) => removeFolder(directory, mounter, signal),
  }
}

/** The smaller of the volume's own limit and what the pod may use altogether; files in memory count as the pod's memory. */
function memoryLimit({ sizeLimit }: EmptyDirVolumeSource, { spec }: Pod): number | undefined {
  const limits = spec.containers.map((container) => container.resources.limits?.memory)
  const ofPod = limits.every((limit) => limit !== undefined)
    ? limits.reduce((sum, limit) => sum + quantityValue(parseQuantity(limit)), 0)
    : undefined
  const own = sizeLimit === undefined ? 0 : quantityValue(parseQuantity(sizeLimit))
  const candidates = [own > 0 ? own : undefined, ofPod].filter((size) => size !== undefined)
  return candidates.length > 0 ? Math.min(...candidates) : undefined
}
