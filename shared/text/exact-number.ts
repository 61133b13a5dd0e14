/**
 * Whether a number's decimal text means exactly what the parsed number means, so that storing it loses nothing: `1.50` does,
 * `9007199254740993` (which would become …992), `1e400` and π to thirty digits do not.
 */
export function isExact(text: string): boolean {
  const value = Number(text)
  return Number.isFinite(value) && decimal(text) === decimal(String(value))
}

/** Sign, digits without outer zeros, and the power of ten of the last one: equal for equal amounts. */
function decimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`
  let first = 0
  let end = digits.length
  while (first < end && digits.charCodeAt(first) === ZERO) first++
  while (end > first && digits.charCodeAt(end - 1) === ZERO) end--
  if (first === end) return '0'
  return `${sign === '-' ? '-' : ''}${digits.slice(first, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}

const ZERO = 0x30
