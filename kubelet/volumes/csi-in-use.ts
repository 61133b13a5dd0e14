import type { NodeStatus } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { attachedVolumeName } from '../../shared/volumes/attachments.ts'
import { csiUses, readRecord, recordedVolume, stages } from './csi-records.ts'
import type { CsiVolume } from './csi-volume.ts'
import { VolumeError } from './volume.ts'

type Named = Pick<CsiVolume, 'driver' | 'handle'>

/** How long the node's status may take to say so, and how often it is looked at. */
const REPORT = { patience: 30_000, every: 100 }

export interface CsiInUseOptions {
  rootDir: string
  /** What the node's status says; absent where nobody keeps that status, and then nothing is waited for. */
  reported?: (() => Pick<NodeStatus, 'volumesInUse' | 'volumesAttached'> | undefined) | undefined
  clock: Clock
}

/** Which persistent volumes of CSI drivers this node has, for its status: what that names is not detached. */
export interface CsiInUse {
  /** In a pod, staged, or on its way; upstream's names, sorted. */
  list(): Promise<string[]>
  /** The status has to be written: something came or went. */
  changed(): void
  onChange(listener: () => void): void
  /**
   * Does the work with the volume in use from before, as the node's status says: whoever detaches looks there.
   * @throws VolumeError when the status does not say so in time
   */
  during<T>(volume: Named, work: () => Promise<T>, signal: AbortSignal): Promise<T>
  /**
   * Whether the node's status says that the volume is attached, in the same breath as that it is in use: whoever takes it away first takes it out of a
   * status in which it was not in use. True where nobody keeps the status.
   */
  isAttached(volume: Named): boolean
}

export function csiInUse({ rootDir, reported, clock }: CsiInUseOptions): CsiInUse {
  /** Works by the name of their volume. */
  const coming = new Map<string, number>()
  const listeners: (() => void)[] = []
  const changed = () => {
    for (const listener of listeners) listener()
  }

  return {
    changed,
    onChange: (listener) => void listeners.push(listener),
    isAttached(volume) {
      if (!reported) return true
      const { volumesInUse = [], volumesAttached = [] } = reported() ?? {}
      const name = attachedVolumeName(volume)
      return volumesInUse.includes(name) && volumesAttached.some((one) => one.name === name)
    },
    async list() {
      const names = new Set(coming.keys())
      for (const { record } of await csiUses(rootDir)) {
        if (record.volumeLifecycleMode !== 'Ephemeral') names.add(attachedVolumeName(recordedVolume(record)))
      }
      for (const folder of await stages(rootDir)) {
        const record = await readRecord(folder)
        if (record) names.add(attachedVolumeName(recordedVolume(record)))
      }
      return [...names].sort()
    },
    async during(volume, work, signal) {
      const name = attachedVolumeName(volume)
      coming.set(name, (coming.get(name) ?? 0) + 1)
      try {
        await untilReported(name, signal)
        return await work()
      } catch (error) {
        changed()
        throw error
      } finally {
        const others = (coming.get(name) ?? 0) - 1
        if (others > 0) coming.set(name, others)
        else coming.delete(name)
      }
    },
  }

  async function untilReported(name: string, signal: AbortSignal): Promise<void> {
    if (!reported) return
    const end = clock.monotonic() + REPORT.patience
    const isReported = () => reported()?.volumesInUse?.includes(name) ?? false
    if (!isReported()) changed()
    while (!isReported()) {
      if (clock.monotonic() >= end)
        throw new VolumeError(`volume ${name} has not been added to the list of VolumesInUse in the node's volume status`)
      await clock.sleep(REPORT.every, signal)
    }
  }
}
