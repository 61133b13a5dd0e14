import { isUnimplemented } from '../../../shared/grpc/grpc-client.ts'
import type { CriClient } from './cri-client.ts'

/** What keeps a runtime from running pods, or from connecting them. */
export interface RuntimeProblems {
  runtime: string | undefined
  network: string | undefined
}

export async function runtimeProblems(cri: CriClient, signal: AbortSignal): Promise<RuntimeProblems> {
  const { status } = await cri.call('Status', {}, { signal })
  const problem = (type: string) => {
    const found = status?.conditions.find((condition) => condition.type === type)
    return found && !found.status ? found.message || found.reason || `${type} is false` : undefined
  }
  return { runtime: problem('RuntimeReady'), network: problem('NetworkReady') }
}

/** `cgroupfs` or `systemd`. Runtimes older than the call say it among their settings. */
export async function readCgroupDriver(cri: CriClient): Promise<string> {
  try {
    const { linux } = await cri.call('RuntimeConfig', {})
    if (linux) return linux.cgroupDriver.toLowerCase()
  } catch (error) {
    if (!isUnimplemented(error)) throw error
  }
  const { info } = await cri.call('Status', { verbose: true })
  return /"SystemdCgroup":\s*true/.test(info['config'] ?? '') ? 'systemd' : 'cgroupfs'
}
