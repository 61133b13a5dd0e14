import { pino } from 'pino'
import { inputLimits } from '../limits/input-limits.ts'
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
  if (!(value instanceof Error)) return value
  const { message, stack, ...rest } = pino.stdSerializers.errWithCause(value)
  return { ...rest, message: shortText(message), stack: shortText(stack) }
}

function wrap(inner: pino.Logger): Logger {
  const line = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) =>
    inner[level](fields ? shortened(fields) : {}, message)
  return {
    ...{ debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    child: (fields) => wrap(inner.child(fields)),
  }
}

/** Texts of strangers (paths, names, refusals that repeat them) are not copied into the log at any length. */
function shortened(fields: Record<string, unknown>): Record<string, unknown> {
  let result = fields
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string' || value.length <= inputLimits.logCharacters) continue
    if (result === fields) result = { ...fields }
    result[name] = shortText(value)
  }
  return result
}

function shortText(text: string): string {
  const { logCharacters } = inputLimits
  return text.length <= logCharacters ? text : `${text.slice(0, logCharacters)}… (${text.length} characters)`
}
