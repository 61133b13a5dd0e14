import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** A place of manifests. */
export interface ManifestSource {
  /** Calls `found` with all pods of the place, first when it was read, then whenever that may have changed, until the signal aborts. */
  follow(found: (pods: readonly Pod[]) => void, signal: AbortSignal): Promise<void>
}

export interface ManifestSourceTools {
  nodeName: string
  /** Milliseconds between looks. */
  every: number
  clock: Clock
  log: Logger
}
