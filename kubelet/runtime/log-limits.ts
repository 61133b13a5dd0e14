import { ConfigError } from '../../shared/process/config.ts'
import { parseQuantity, quantityValue } from '../../shared/quantity/quantity.ts'

/** How much of a container's output is kept. */
export interface LogLimits {
  /** Bytes of one file. */
  bytes: number
  files: number
}

/** Upstream's defaults. */
export const USUAL_LOGS: LogLimits = { bytes: 10 * 1024 * 1024, files: 5 }

/** @throws ConfigError */
export function logLimits(settings: { containerLogMaxSize: string; containerLogMaxFiles: number }): LogLimits {
  try {
    const bytes = quantityValue(parseQuantity(settings.containerLogMaxSize))
    if (bytes <= 0) throw new Error(`${settings.containerLogMaxSize} is not more than nothing`)
    return { bytes, files: settings.containerLogMaxFiles }
  } catch (error) {
    throw new ConfigError(`--container-log-max-size: ${error instanceof Error ? error.message : String(error)}`)
  }
}
