/**
 * Structured logs: a constant message, the variable parts as fields. `child` adds fields to every line.
 * The real one is pino (`realLogger`); tests use `silentLogger` or collect lines.
 */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  child(fields: Record<string, unknown>): Logger
}

/** A logger that says nothing. */
export function silentLogger(): Logger {
  const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
  return quiet
}
