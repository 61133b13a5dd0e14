import { isMissing } from '../../../shared/grpc/grpc-client.ts'
import type { ContainerStatus } from '../container-runtime.ts'
import { type InspectCache, inspectCache } from '../inspect-cache.ts'
import type { CriClient } from './cri-client.ts'
import type { CriContainer } from './cri-messages.ts'
import { containerStatus, processInfo } from './cri-status.ts'

export interface CriDetails {
  status: ContainerStatus
  /** Of its first process; undefined when it does not run, or the runtime does not say. */
  pid: number | undefined
  /** Absolute. */
  logPath: string
}

export type CriInspect = InspectCache<CriContainer, CriDetails>

export function criInspect(cri: CriClient): CriInspect {
  return inspectCache({
    async ask(id, signal) {
      try {
        const { status, info } = await cri.call('ContainerStatus', { containerId: id, verbose: true }, { signal })
        if (!status) return undefined
        const told = processInfo(info)
        const details = { status: containerStatus(status, told), pid: told.pid, logPath: status.logPath }
        const isSettled = status.state === 'CONTAINER_RUNNING' || status.state === 'CONTAINER_EXITED'
        return { details, settled: isSettled ? status.state : undefined }
      } catch (error) {
        if (!isMissing(error)) throw error
        return undefined
      }
    },
    listed: ({ id, state }) => ({ id, state }),
  })
}
