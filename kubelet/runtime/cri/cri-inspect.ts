import type { ContainerStatus } from '../container-runtime.ts'
import { type CriClient, isMissing } from './cri-client.ts'
import type { CriContainer } from './cri-messages.ts'
import { containerStatus, processInfo } from './cri-status.ts'

export interface CriDetails {
  status: ContainerStatus
  /** Of its first process; undefined when it does not run, or the runtime does not say. */
  pid: number | undefined
  /** Absolute. */
  logPath: string
}

/**
 * Details of containers that the runtime's list leaves out (times, exit codes, process ids), remembered as long as the list shows the same
 * state: a relist of a quiet node costs one call, not one a container.
 */
export interface CriInspect {
  /** Details matching what the list said; undefined when the container is gone meanwhile. */
  of(listed: CriContainer, signal: AbortSignal): Promise<CriDetails | undefined>
  /** Always asks; undefined when there is no such container. */
  fresh(id: string, signal: AbortSignal): Promise<CriDetails | undefined>
  forget(id: string): void
  /** Forgets all containers but these. */
  keep(ids: ReadonlySet<string>): void
}

export function criInspect(cri: CriClient): CriInspect {
  const known = new Map<string, { state: string; details: CriDetails }>()
  /** Counts calls of `forget`: an answer that was asked for before one of them is not remembered. */
  let forgotten = 0

  async function fresh(id: string, signal: AbortSignal): Promise<CriDetails | undefined> {
    const asked = forgotten
    try {
      const { status, info } = await cri.call('ContainerStatus', { containerId: id, verbose: true }, { signal })
      if (!status) return undefined
      const told = processInfo(info)
      const details = { status: containerStatus(status, told), pid: told.pid, logPath: status.logPath }
      const isSettled = status.state === 'CONTAINER_RUNNING' || status.state === 'CONTAINER_EXITED'
      if (asked === forgotten && isSettled) known.set(id, { state: status.state, details })
      return details
    } catch (error) {
      if (!isMissing(error)) throw error
      known.delete(id)
      return undefined
    }
  }

  return {
    async of(listed, signal) {
      const entry = known.get(listed.id)
      return entry?.state === listed.state ? entry.details : fresh(listed.id, signal)
    },
    fresh,
    forget(id) {
      forgotten++
      known.delete(id)
    },
    keep(ids) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    },
  }
}
