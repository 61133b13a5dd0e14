import type { SecretProjection } from '../../shared/openapi/generated/core-v1.ts'
import { apiVolume } from './api-volume.ts'
import type { PayloadFile } from './atomic-files.ts'
import { DEFAULT_MODE, type ProjectedKeys } from './config-map.ts'
import { bytesOfSecret, keyFiles } from './key-files.ts'
import type { Mounter } from './mounter.ts'
import type { ReferencedObjects } from './referenced-objects.ts'
import { VolumeError, type VolumeType } from './volume.ts'

/** A Secret's keys as files, in memory only. */
export function secret(objects: ReferencedObjects, mounter: Mounter): VolumeType {
  return apiVolume(
    {
      pluginName: 'kubernetes.io/secret',
      supports: (volume) => volume.secret !== undefined,
      inMemory: true,
      async payload({ pod, volume }, freshness, signal) {
        const { secretName, items, optional, defaultMode } = volume.secret ?? {}
        const source = { name: secretName, items, optional }
        const mode = defaultMode ?? DEFAULT_MODE
        return new Map(await secretFiles(objects, { namespace: pod.metadata.namespace ?? '', source, mode, freshness }, signal))
      },
    },
    mounter,
  )
}

/** @throws VolumeError when the Secret or a listed key is missing, unless optional */
export async function secretFiles(
  objects: ReferencedObjects,
  { namespace, source, mode, freshness }: ProjectedKeys<SecretProjection>,
  signal: AbortSignal,
): Promise<Iterable<[string, PayloadFile]>> {
  const { name = '', items, optional = false } = source
  const object = await objects.secret(namespace, name, freshness, signal)
  if (!object && !optional) throw new VolumeError(`secret ${JSON.stringify(name)} not found`)
  const data = object ? bytesOfSecret(object) : new Map<string, Uint8Array>()
  return [...keyFiles(data, { source: `secret ${JSON.stringify(name)}`, items, defaultMode: mode, optional })]
}
