import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import { type InspectCache, inspectCache } from '../inspect-cache.ts'
import { type DockerClient, isMissing } from './docker-client.ts'

export type DockerInspect = InspectCache<ContainerInfo, ContainerInspectInfo>

export function dockerInspect(docker: DockerClient): DockerInspect {
  return inspectCache({
    async ask(id, signal) {
      try {
        const details = await docker.call<ContainerInspectInfo>('GET', `/containers/${id}/json`, { signal })
        const { Status: state } = details.State
        // Only settled states are remembered: a created container gets its start error without changing state.
        return { details, settled: state === 'running' || state === 'exited' ? state : undefined }
      } catch (error) {
        if (!isMissing(error)) throw error
        return undefined
      }
    },
    listed: ({ Id: id, State: state }) => ({ id, state }),
  })
}

/** Milliseconds of the engine's times; its zero time (year 1) is undefined. */
export function engineTime(text: string | undefined): number | undefined {
  if (!text || text.startsWith('0001-')) return undefined
  const milliseconds = Date.parse(text)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
