import type { KeyToPath } from '../../shared/openapi/generated/core-v1.ts'
import type { PayloadFile } from './atomic-files.ts'
import { VolumeError } from './volume.ts'

/** Where keys of a ConfigMap or Secret go. */
export interface KeyFiles {
  /** e.g. `configmap "game"`, for sentences. */
  source: string
  items: readonly KeyToPath[] | undefined
  defaultMode: number
  optional: boolean
}

/**
 * Keys → files: all of them under their own names, or the listed ones under the paths given.
 * @throws VolumeError for a listed key that is not there, unless optional
 */
export function* keyFiles(data: ReadonlyMap<string, Uint8Array>, to: KeyFiles): Iterable<[string, PayloadFile]> {
  if (!to.items || to.items.length === 0) {
    for (const [key, content] of data) yield [key, { content, mode: to.defaultMode }]
    return
  }
  for (const { key, path, mode } of to.items) {
    const content = data.get(key)
    if (content) yield [path, { content, mode: mode ?? to.defaultMode }]
    else if (!to.optional) throw new VolumeError(`${to.source}: references non-existent key: ${key}`)
  }
}

export function bytesOfConfigMap(object: { data?: Record<string, string> | undefined; binaryData?: Record<string, string> | undefined }) {
  const data = new Map<string, Uint8Array>()
  for (const [key, text] of Object.entries(object.data ?? {})) data.set(key, Buffer.from(text, 'utf8'))
  for (const [key, text] of Object.entries(object.binaryData ?? {})) data.set(key, Buffer.from(text, 'base64'))
  return data
}

export function bytesOfSecret(object: { data?: Record<string, string> | undefined }) {
  return new Map<string, Uint8Array>(Object.entries(object.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]))
}
