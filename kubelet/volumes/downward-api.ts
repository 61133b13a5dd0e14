import type { DownwardAPIVolumeFile, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { apiVolume } from './api-volume.ts'
import type { PayloadFile } from './atomic-files.ts'
import { DEFAULT_MODE } from './config-map.ts'
import type { Mounter } from './mounter.ts'
import { type Allocatable, metadataField, resourceField } from './pod-fields.ts'
import { VolumeError, type VolumeType } from './volume.ts'

/** Facts about the pod as files. */
export function downwardApi(allocatable: () => Allocatable, mounter: Mounter): VolumeType {
  return apiVolume(
    {
      pluginName: 'kubernetes.io/downward-api',
      supports: (volume) => volume.downwardAPI !== undefined,
      inMemory: false,
      async payload({ pod, volume }) {
        const { items, defaultMode = DEFAULT_MODE } = volume.downwardAPI ?? {}
        return new Map(downwardFiles(pod, items ?? [], defaultMode, allocatable()))
      },
    },
    mounter,
  )
}

/** @throws VolumeError for a field that pods do not have */
export function* downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  defaultMode: number,
  allocatable: Allocatable,
): Iterable<[string, PayloadFile]> {
  for (const { path, fieldRef, resourceFieldRef, mode = defaultMode } of items) {
    yield [path, { content: Buffer.from(textOf(pod, { fieldRef, resourceFieldRef }, allocatable), 'utf8'), mode }]
  }
}

function textOf(pod: Pod, { fieldRef, resourceFieldRef }: Omit<DownwardAPIVolumeFile, 'path'>, allocatable: Allocatable): string {
  if (fieldRef) {
    const text = metadataField(pod, fieldRef.fieldPath)
    if (text === undefined) throw new VolumeError(`unsupported fieldPath: ${fieldRef.fieldPath}`)
    return text
  }
  if (!resourceFieldRef) throw new VolumeError('a downward API file names neither a field nor a resource')
  try {
    return resourceField(pod, resourceFieldRef, undefined, allocatable)
  } catch (cause) {
    throw new VolumeError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
