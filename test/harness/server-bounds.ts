import { BodyIntake } from '../../apiserver/http/body-intake.ts'
import { ConnectionCounts } from '../../apiserver/http/connection-counts.ts'
import type { ServerBounds } from '../../apiserver/http/server.ts'
import { ByteBudget } from '../../shared/limits/byte-budget.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'

/** Bounds of a listener that a test does not mean to reach. */
export function roomyBounds(clock: Clock = realClock()): ServerBounds {
  const much = 1024 * 1024 * 1024
  return {
    connections: new ConnectionCounts({ total: 10_000, perAddress: 10_000 }),
    intake: new BodyIntake(clock, new ByteBudget(much)),
    unsent: new ByteBudget(much),
  }
}
