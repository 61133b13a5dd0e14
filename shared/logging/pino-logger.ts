import { pino } from 'pino'
import type { Logger } from './logger.ts'
import { textLine } from './text-line.ts'

/** How the real logger writes. */
export interface LogSettings {
  level: 'debug' | 'info' | 'warn' | 'error'
  /** `text`: one readable line; `json`: one JSON object a line. */
  format: 'text' | 'json'
}

/** Logs to standard error, synchronously: what was logged before a crash is there to read. */
export function realLogger(settings: LogSettings): Logger {
  const standardError = pino.destination({ dest: 2, sync: true })
  const destination = settings.format === 'json' ? standardError : { write: (line: string) => standardError.write(textLine(line)) }
  const options = {
    level: settings.level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: describeError, cause: describeError },
  }
  return wrap(pino(options, destination))
}

/** An error as a field: message, stack and chain of causes; API errors keep reason and code. */
function describeError(value: unknown): unknown {
  return value instanceof Error ? pino.stdSerializers.errWithCause(value) : value
}

function wrap(inner: pino.Logger): Logger {
  return {
    debug: (message, fields) => inner.debug(fields ?? {}, message),
    info: (message, fields) => inner.info(fields ?? {}, message),
    warn: (message, fields) => inner.warn(fields ?? {}, message),
    error: (message, fields) => inner.error(fields ?? {}, message),
    child: (fields) => wrap(inner.child(fields)),
  }
}
