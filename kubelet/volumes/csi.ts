import { CSI_PLUGIN } from './csi-paths.ts'
import { csiVolumeOfPod } from './csi-volume.ts'
import type { CsiVolumes } from './csi-volumes.ts'
import { VolumeError, type VolumeRequest, type VolumeType } from './volume.ts'

/**
 * Volumes of a CSI driver that are written in the pod, and the folders that claims of such drivers have in pods: both are taken back alike, for
 * only what is on the disk counts then.
 */
export function csi(volumes: CsiVolumes): VolumeType {
  const publish = async ({ pod, volume, directory }: VolumeRequest, signal: AbortSignal) => {
    const wanted = csiVolumeOfPod(pod, volume)
    if (!wanted) throw new VolumeError('not a CSI volume')
    return volumes.publish(pod, wanted, directory, signal)
  }
  return {
    pluginName: CSI_PLUGIN,
    supports: (volume) => volume.csi !== undefined,
    prepare: publish,
    async refresh(request, _freshness, signal) {
      if (await volumes.wantsMore(request.directory, signal)) await publish(request, signal)
    },
    usage: ({ directory }, signal) => volumes.usage(directory, signal),
    teardown: (directory, signal) => volumes.unpublish(directory, signal),
  }
}
