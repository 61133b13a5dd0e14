import { stat } from 'node:fs/promises'
import type { ContainerRuntime } from '../container-runtime.ts'
import { type DockerClient, isMissing } from './docker-client.ts'

/** What the engine counts of a container's own layer, and its present log. */
export function dockerDisk(docker: DockerClient): ContainerRuntime['writtenBytes'] {
  return async (id, signal) => {
    try {
      const details = await docker.call<{ SizeRw?: number; LogPath?: string }>('GET', `/containers/${id}/json`, {
        query: { size: true },
        signal,
      })
      return (details.SizeRw ?? 0) + (details.LogPath ? await sizeOf(details.LogPath) : 0)
    } catch (error) {
      if (isMissing(error)) return 0
      throw error
    }
  }
}

/** Rotated in this moment, or on another machine than the kubelet: not counted. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
}
