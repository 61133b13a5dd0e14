/** One import or re-export of a TypeScript file. */
export interface ImportOf {
  /** As written. */
  specifier: string
  line: number
  /** Nothing remains of it at run time. */
  isType: boolean
  /** `import('…')`. */
  isDynamic: boolean
}

/**
 * The source with comments, string contents and regular expressions blanked out, so that words in them are not taken for code.
 * Line breaks stay; `keepStrings` keeps quoted text (never templates). Not a parser: it knows as much of the language as the checks need.
 */
export function withoutText(source: string, keepStrings = false): string {
  let out = ''
  let at = 0
  const blank = (text: string) => text.replaceAll(/[^\n]/g, ' ')
  const take = (length: number, keep: boolean) => {
    const text = source.slice(at, at + length)
    out += keep ? text : blank(text)
    at += length
  }
  while (at < source.length) {
    const two = source.slice(at, at + 2)
    if (two === '//') take((source.indexOf('\n', at) + 1 || source.length + 1) - 1 - at, false)
    else if (two === '/*') take((source.indexOf('*/', at + 2) + 2 || source.length + 2) - at, false)
    else if (source[at] === "'" || source[at] === '"') take(stringLength(source, at), keepStrings)
    else if (source[at] === '`') take(stringLength(source, at), false)
    else if (source[at] === '/' && startsRegex(out)) take(regexLength(source, at), false)
    else take(1, true)
  }
  return out
}

function stringLength(source: string, start: number): number {
  const quote = source[start]
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (quote === '`' && source.startsWith('${', at)) at = endOfSubstitution(source, at + 2)
    else if (source[at] === quote) return at + 1 - start
  }
  return source.length - start
}

/** The index of the brace that closes a `${`. */
function endOfSubstitution(source: string, start: number): number {
  let depth = 1
  for (let at = start; at < source.length; at++) {
    const sign = source[at]
    if (sign === "'" || sign === '"' || sign === '`') at += stringLength(source, at) - 1
    else if (sign === '{') depth++
    else if (sign === '}' && --depth === 0) return at
  }
  return source.length
}

/** Whether a slash after this code begins a regular expression and is no division. */
function startsRegex(before: string): boolean {
  const code = before.trimEnd()
  return code === '' || /[(,=:[!&|?{};>]$/.test(code) || /\b(return|typeof|case|of|in|yield|await)$/.test(code)
}

function regexLength(source: string, start: number): number {
  let inClass = false
  for (let at = start + 1; at < source.length && source[at] !== '\n'; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === '[') inClass = true
    else if (source[at] === ']') inClass = false
    else if (source[at] === '/' && !inClass) return at + 1 - start
  }
  return 1
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm
/** `import('…')`, unless a type is taken from it (`import('…').Name`). */
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)(?!\.[A-Z])/g

/** Every import of a file, in the order of the text. */
export function importsOf(source: string): ImportOf[] {
  const code = withoutText(source, true)
  const lineOf = (index: number) => code.slice(0, index).split('\n').length
  const found: ImportOf[] = []
  for (const match of code.matchAll(STATEMENT)) {
    found.push({ specifier: match[2]!, line: lineOf(match.index), isType: match[1] !== undefined, isDynamic: false })
  }
  for (const match of code.matchAll(DYNAMIC)) {
    found.push({ specifier: match[1]!, line: lineOf(match.index), isType: false, isDynamic: true })
  }
  return found
}
