import type { Logger } from '../../shared/logging/logger.ts'
import type { CSIDriver } from '../../shared/openapi/generated/storage-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import type { CsiDrivers } from './csi-drivers.ts'
import type { CsiNodeKeeper } from './csi-node.ts'

export interface DriverLimitsOptions {
  drivers: CsiDrivers
  /** The driver's CSIDriver; undefined: there is none. */
  settings(name: string): Pick<CSIDriver, 'spec'> | undefined
  node: Pick<CsiNodeKeeper, 'limit'>
  clock: Clock
  log: Logger
}

/** How many volumes of each driver the node takes, asked again of those whose CSIDriver wants it (KEP-4876). */
export interface DriverLimits {
  /** An attachment failed for want of room: the driver is asked with the next look. */
  exhausted(driver: string): void
  run(signal: AbortSignal): Promise<void>
}

/** The API's shortest period. */
const LOOK_MILLISECONDS = 10_000

export function driverLimits({ drivers, settings, node, clock, log }: DriverLimitsOptions): DriverLimits {
  /** When each was asked, or seen first: its registration asked. */
  const asked = new Map<string, number>()
  const full = new Set<string>()

  async function look(signal: AbortSignal): Promise<void> {
    const names = new Set(drivers.names())
    const wanted = new Set(full)
    full.clear()
    for (const name of asked.keys()) if (!names.has(name)) asked.delete(name)
    for (const name of names) {
      const last = asked.get(name) ?? clock.monotonic()
      asked.set(name, last)
      const period = settings(name)?.spec.nodeAllocatableUpdatePeriodSeconds
      if (period === undefined || (clock.monotonic() - last < period * 1000 && !wanted.has(name))) continue
      asked.set(name, clock.monotonic())
      try {
        await node.limit(name, await drivers.get(name).call('NodeGetInfo', {}, { signal, patience: LOOK_MILLISECONDS }), signal)
      } catch (error) {
        signal.throwIfAborted()
        log.warn('a driver could not be asked how many volumes it takes; asked again the next time', { driver: name, error })
      }
    }
  }

  return {
    exhausted: (driver) => void full.add(driver),
    async run(signal) {
      while (!signal.aborted) {
        await look(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
        })
        await pause(clock, LOOK_MILLISECONDS, signal)
      }
    },
  }
}
