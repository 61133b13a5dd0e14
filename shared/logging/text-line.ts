/** A line of JSON log as people read it: `12:00:00.123 INFO  scheduler: started  port=6443`, errors with their stack below. */
export function textLine(json: string): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(json)
  } catch {
    return json // never lose a line because it is not as expected
  }
  const { time, level, message, service, ...fields } = entry
  const clock = typeof time === 'string' ? time.slice(11, 23) : ''
  const shown: string[] = []
  let below = ''
  for (const [key, value] of Object.entries(fields)) {
    if (isDescribedError(value)) {
      shown.push(`${key}=${JSON.stringify(value.message)}`)
      if (level === 'error') below += `${value.stack}\n`
    } else {
      shown.push(`${key}=${typeof value === 'string' && !/[\s"=]/.test(value) && value !== '' ? value : JSON.stringify(value)}`)
    }
  }
  const head = `${clock} ${String(level).toUpperCase().padEnd(5)} ${service === undefined ? '' : `${service}: `}${message}`
  return `${head}${shown.length > 0 ? `  ${shown.join(' ')}` : ''}\n${below}`
}

function isDescribedError(value: unknown): value is { message: string; stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value
}
