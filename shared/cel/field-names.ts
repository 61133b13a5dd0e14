/** Words of the language, which no field can be called by in a rule of a custom resource. */
const words = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)
const escapes: readonly (readonly [string, string])[] = [
  ['__', '__underscores__'],
  ['.', '__dot__'],
  ['-', '__dash__'],
  ['/', '__slash__'],
]

/** How an expression calls a field of this name (`k8s.io/apiserver/pkg/cel/escaping.go`); undefined where it cannot. */
export function escapedName(name: string): string | undefined {
  if (words.has(name)) return `__${name}__`
  const escaped = escapes.reduce((text, [sign, by]) => text.replaceAll(sign, by), name)
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined
}
