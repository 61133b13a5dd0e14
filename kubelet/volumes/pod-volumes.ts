import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { podDirectory, volumeDirectory } from '../pods/pod-directory.ts'
import { namesIn, removeFolder } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { SUB_PATHS } from './sub-path.ts'
import { type PodVolumes, type PreparedVolume, VolumeError, type VolumeRequest, type VolumeType } from './volume.ts'
import type { VolumeUsage } from './volume-usage.ts'

export interface PodVolumesOptions {
  rootDir: string
  /** The ways to provide volumes; adding one is adding it here. */
  types: readonly VolumeType[]
  mounter: Mounter
  /** Told when a pod has gone, for what is kept of it in memory. */
  onTeardown?: ((podUid: string) => void) | undefined
  log: Logger
}

/** All volumes of a pod, each by the type that supports it. */
export function podVolumes({ rootDir, types, mounter, onTeardown, log }: PodVolumesOptions): PodVolumes {
  const typeOf = (volume: Volume): VolumeType => {
    const type = types.find((one) => one.supports(volume))
    if (!type) throw new VolumeError(whyUnsupported(volume))
    return type
  }
  const requestOf = (pod: Pod, volume: Volume, { pluginName }: VolumeType): VolumeRequest => {
    return { pod, volume, directory: volumeDirectory(rootDir, pod.metadata.uid ?? '', pluginName, volume.name) }
  }

  return {
    async prepare(pod, signal) {
      const entries = (pod.spec.volumes ?? []).map(async (volume): Promise<[string, PreparedVolume]> => {
        try {
          const type = typeOf(volume)
          return [volume.name, await type.prepare(requestOf(pod, volume, type), signal)]
        } catch (error) {
          signal.throwIfAborted()
          throw told(volume, error)
        }
      })
      // All of them get their chance before the first failure is told: the next attempt then finds the others done.
      const results = await Promise.allSettled(entries)
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
      return new Map(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
    },

    async refresh(pod, freshness, signal) {
      const bring = async (volume: Volume): Promise<void> => {
        const type = types.find((one) => one.supports(volume))
        if (!type?.refresh) return
        try {
          await type.refresh(requestOf(pod, volume, type), freshness, signal)
        } catch (error) {
          if (signal.aborted) return
          log.warn('a volume could not be brought up to date', { pod: pod.metadata.name, volume: volume.name, error })
        }
      }
      // Side by side: whoever starts a container waits for all of them.
      await Promise.all((pod.spec.volumes ?? []).map(bring))
    },

    async usage(pod, signal) {
      const entries = (pod.spec.volumes ?? []).map(async (volume): Promise<[string, VolumeUsage | undefined]> => {
        const type = types.find((one) => one.supports(volume))
        try {
          return [volume.name, await type?.usage?.(requestOf(pod, volume, type), signal)]
        } catch (error) {
          signal.throwIfAborted()
          log.debug('what a volume holds could not be asked', { pod: pod.metadata.name, volume: volume.name, error })
          return [volume.name, undefined]
        }
      })
      return new Map((await Promise.all(entries)).flatMap(([name, usage]) => (usage ? [[name, usage] as const] : [])))
    },

    async teardown(podUid, signal) {
      onTeardown?.(podUid)
      await removeFolder(join(podDirectory(rootDir, podUid), SUB_PATHS), mounter, signal)
      const folder = join(podDirectory(rootDir, podUid), 'volumes')
      for (const plugin of await namesIn(folder)) {
        const type = types.find((one) => one.pluginName.replaceAll('/', '~') === plugin)
        for (const name of await namesIn(join(folder, plugin))) {
          const directory = join(folder, plugin, name)
          if (type) await type.teardown(directory, signal)
          // Of a type that an older or newer kubelet had: what is mounted is taken off, and only an empty folder goes.
          else await removeFolder(directory, mounter, signal)
        }
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function told(volume: Volume, error: unknown): VolumeError {
  const why = error instanceof Error ? error.message : String(error)
  const message = `MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${why}`
  return new VolumeError(message, { cause: error, ...(error instanceof VolumeError ? { reason: error.reason } : {}) })
}

function whyUnsupported(volume: Volume): string {
  const [kind = 'none'] = Object.keys(volume).filter((key) => key !== 'name')
  return `volumes of type ${kind} are not supported on this node`
}
