import type { EmptyDirVolumeSource, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseQuantity, quantityValue } from '../../shared/quantity/quantity.ts'
import { makeFolder, makeMemoryFolder, removeFolder } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { fsGroupOf, giveToGroup, isGroups } from './ownership.ts'
import { VolumeError, type VolumeType } from './volume.ts'

/** Scratch space that lives as long as the pod: on disk, or in memory. */
export function emptyDir(mounter: Mounter): VolumeType {
  return {
    pluginName: 'kubernetes.io/empty-dir',
    supports: (volume) => volume.emptyDir !== undefined,
    async prepare({ pod, volume, directory }, signal) {
      const { medium = '' } = volume.emptyDir ?? {}
      if (medium === 'Memory') {
        await makeMemoryFolder(directory, mounter, { mode: 0o777, sizeBytes: memoryLimit(volume.emptyDir ?? {}, pod) }, signal)
      } else if (medium === '') await makeFolder(directory, 0o777)
      else throw new VolumeError(`emptyDir medium ${JSON.stringify(medium)} is not supported`)
      const group = fsGroupOf(pod)
      if (group !== undefined && !(await isGroups(directory, group))) await giveToGroup(directory, group, { readOnly: false })
      return { hostPath: directory, readOnly: false }
    },
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
