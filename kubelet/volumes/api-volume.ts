import type { Volume } from '../../shared/openapi/generated/core-v1.ts'
import { type Payload, writePayload } from './atomic-files.ts'
import { makeFolder, makeMemoryFolder, removeFolder } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { fsGroupOf, giveToGroup, volumeRights } from './ownership.ts'
import type { Freshness } from './referenced-objects.ts'
import { Turns } from './turns.ts'
import type { VolumeRequest, VolumeType } from './volume.ts'
import { folderUsage } from './volume-usage.ts'

/** How a volume whose files come from the API differs from others of that sort. */
export interface ApiVolume {
  pluginName: string
  supports(volume: Volume): boolean
  /** Secrets must not be found on a disk that is thrown away. */
  inMemory: boolean
  /** @throws VolumeError when something that is needed is missing */
  payload(request: VolumeRequest, freshness: Freshness, signal: AbortSignal): Promise<Payload>
}

/** The part that all volumes with files from the API share: folder, atomic content, owners, refresh, teardown. */
export function apiVolume(kind: ApiVolume, mounter: Mounter): VolumeType {
  const turns = new Turns()
  const bring = async (request: VolumeRequest, how: { isNew: boolean; freshness: Freshness }, signal: AbortSignal) => {
    const { directory, pod } = request
    const payload = await kind.payload(request, how.freshness, signal)
    const group = fsGroupOf(pod)
    const own = (folder: string) => giveToGroup(folder, group, { readOnly: true })
    if (how.isNew) {
      if (kind.inMemory) await makeMemoryFolder(directory, mounter, volumeRights(group), signal)
      else await makeFolder(directory, volumeRights(group))
    }
    await writePayload(directory, payload, own)
  }
  return {
    pluginName: kind.pluginName,
    supports: kind.supports,
    async prepare(request, signal) {
      await turns.take(request.directory, () => bring(request, { isNew: true, freshness: 'now' }, signal))
      return { hostPath: request.directory, readOnly: true }
    },
    refresh: (request, freshness, signal) => turns.take(request.directory, () => bring(request, { isNew: false, freshness }, signal)),
    usage: ({ directory }) => folderUsage(directory),
    teardown: (directory, signal) => turns.take(directory, () => removeFolder(directory, mounter, signal)),
  }
}
