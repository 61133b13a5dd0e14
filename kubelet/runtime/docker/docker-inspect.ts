import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import { type DockerClient, isMissing } from './docker-client.ts'

/**
 * Details of containers that the engine's list leaves out (times, exit codes, process ids), remembered as long as the list
 * shows the same state: a relist of a quiet node costs one call, not one a container.
 */
export interface InspectCache {
  /** Details matching what the list said; undefined when the container is gone meanwhile. */
  of(listed: ContainerInfo, signal: AbortSignal): Promise<ContainerInspectInfo | undefined>
  /** Always asks; undefined when there is no such container. */
  fresh(id: string, signal: AbortSignal): Promise<ContainerInspectInfo | undefined>
  /**
   * Something happened to the container. To be called before anybody is told: the engine's list lags behind its events, and would confirm what
   * is remembered here.
   */
  forget(id: string): void
}

export function inspectCache(docker: DockerClient): InspectCache {
  const known = new Map<string, { state: string; details: ContainerInspectInfo }>()
  /** Counts calls of `forget`: an answer that was asked for before one of them is not remembered. */
  let forgotten = 0

  async function fresh(id: string, signal: AbortSignal): Promise<ContainerInspectInfo | undefined> {
    const asked = forgotten
    try {
      const details = await docker.call<ContainerInspectInfo>('GET', `/containers/${id}/json`, { signal })
      const { Status: state } = details.State
      // Only settled states are remembered: a created container gets its start error without changing state.
      if (asked === forgotten && (state === 'running' || state === 'exited')) known.set(id, { state, details })
      return details
    } catch (error) {
      if (!isMissing(error)) throw error
      known.delete(id)
      return undefined
    }
  }

  return {
    async of(listed, signal) {
      const entry = known.get(listed.Id)
      return entry && entry.state === listed.State ? entry.details : fresh(listed.Id, signal)
    },
    fresh,
    forget(id) {
      forgotten++
      known.delete(id)
    },
  }
}

/** Milliseconds of the engine's times; its zero time (year 1) is undefined. */
export function engineTime(text: string | undefined): number | undefined {
  if (!text || text.startsWith('0001-')) return undefined
  const milliseconds = Date.parse(text)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
