import type { ConfigMapProjection } from '../../shared/openapi/generated/core-v1.ts'
import { apiVolume } from './api-volume.ts'
import type { PayloadFile } from './atomic-files.ts'
import { bytesOfConfigMap, keyFiles } from './key-files.ts'
import type { Mounter } from './mounter.ts'
import type { Freshness, ReferencedObjects } from './referenced-objects.ts'
import { VolumeError, type VolumeType } from './volume.ts'

/** Upstream's default for files from the API. */
export const DEFAULT_MODE = 0o644

/** A ConfigMap's keys as files. */
export function configMap(objects: ReferencedObjects, mounter: Mounter): VolumeType {
  return apiVolume(
    {
      pluginName: 'kubernetes.io/configmap',
      supports: (volume) => volume.configMap !== undefined,
      inMemory: false,
      async payload({ pod, volume }, freshness, signal) {
        const source = volume.configMap ?? {}
        const mode = source.defaultMode ?? DEFAULT_MODE
        return new Map(await configMapFiles(objects, { namespace: pod.metadata.namespace ?? '', source, mode, freshness }, signal))
      },
    },
    mounter,
  )
}

/** What to read and where it goes; shared with projected volumes. */
export interface ProjectedKeys<S> {
  namespace: string
  source: S
  mode: number
  freshness: Freshness
}

/** @throws VolumeError when the ConfigMap or a listed key is missing, unless optional */
export async function configMapFiles(
  objects: ReferencedObjects,
  { namespace, source, mode, freshness }: ProjectedKeys<ConfigMapProjection>,
  signal: AbortSignal,
): Promise<Iterable<[string, PayloadFile]>> {
  const { name = '', items, optional = false } = source
  const object = await objects.configMap(namespace, name, freshness, signal)
  if (!object && !optional) throw new VolumeError(`configmap ${JSON.stringify(name)} not found`)
  const data = object ? bytesOfConfigMap(object) : new Map<string, Uint8Array>()
  return [...keyFiles(data, { source: `configmap ${JSON.stringify(name)}`, items, defaultMode: mode, optional })]
}
