import type { Logger } from '../../shared/logging/logger.ts'
import type { ContainerRuntime } from './container-runtime.ts'

/**
 * Removes a sandbox whose making was aborted or failed: half of one helps nobody, and its name is needed again. It is done also when whoever
 * asked for it has gone.
 */
export async function removeHalfMade(removeSandbox: ContainerRuntime['removeSandbox'], id: string, log: Logger): Promise<void> {
  try {
    await removeSandbox(id, new AbortController().signal)
  } catch (error) {
    log.warn('a half-made sandbox could not be removed; housekeeping will try again', { sandbox: id, error: String(error) })
  }
}
