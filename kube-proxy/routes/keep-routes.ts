import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { NodeRoutes } from './node-routes.ts'

/** A link that went down and up again (sleep, a new lease of its address) has taken the routes with it, and nobody tells. */
const PERIOD_MILLISECONDS = 15_000

/** Sets lost routes again until the signal aborts; a failure is logged and tried again. */
export async function keepRoutes(routes: Pick<NodeRoutes, 'restore'>, clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(PERIOD_MILLISECONDS, signal).catch(() => undefined)
    if (signal.aborted) return
    await routes.restore().catch((error: unknown) => log.warn('routes to other nodes could not be looked after', { error }))
  }
}
