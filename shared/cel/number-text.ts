/** A double as Go's `strconv` writes it in its shortest form: an exponent from 10²¹ on and below 10⁻⁴, with two digits at least. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e21)) return withExponent(value.toExponential())
  return String(value)
}

/** Go writes two digits of exponent at least: `1e+21`, `1.5e-07`. */
export function withExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}
