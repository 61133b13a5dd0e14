import { parseRanges } from '../addresses/ip-families.ts'

/** One setting: how its text becomes a value, and what help says about it. */
export interface Setting<T> {
  readonly help: string
  readonly placeholder: string
  readonly fallback: T
  /** How the default is shown; empty when there is none worth showing. */
  readonly shownDefault: string
  readonly required: boolean
  /** What a flag without a value means (booleans only). */
  readonly bare?: string
  /** Whether the flag may be given several times: the texts come a line each. */
  readonly repeats?: boolean
  /** @throws Error that says what is wrong with the text */
  parse(text: string): T
}

interface Shape<T> {
  placeholder: string
  parse: (text: string) => T
  show?: (value: T) => string
  bare?: string
}

function make<T>(shape: Shape<T>, help: string, fallback: T): Setting<T> {
  const show = shape.show ?? String
  return {
    help,
    placeholder: shape.placeholder,
    fallback,
    shownDefault: fallback === undefined || fallback === '' ? '' : show(fallback),
    required: false,
    ...(shape.bare === undefined ? {} : { bare: shape.bare }),
    parse: shape.parse,
  }
}

/** Makes a setting one that must be given. */
export function required<T>(setting: Setting<T | undefined>): Setting<T> {
  const { parse } = setting
  return {
    ...setting,
    required: true,
    fallback: undefined as never, // never read: a missing required setting is a ConfigError
    shownDefault: '',
    parse: (text) => {
      const value = parse(text)
      if (value === undefined) throw new Error('must not be empty')
      return value
    },
  }
}

/** Makes a setting one of which is seen whether it was given: what is not is undefined, whatever help says the default is. */
export function optional<T>(setting: Setting<T>): Setting<T | undefined> {
  return { ...setting, fallback: undefined }
}

/** Any text. */
export function text(help: string, fallback: string): Setting<string>
export function text(help: string): Setting<string | undefined>
export function text(help: string, fallback?: string): Setting<string | undefined> {
  return make<string | undefined>({ placeholder: 'TEXT', parse: (value) => value }, help, fallback)
}

/** A path of a file or folder. */
export function path(help: string, fallback: string): Setting<string>
export function path(help: string): Setting<string | undefined>
export function path(help: string, fallback?: string): Setting<string | undefined> {
  return make<string | undefined>({ placeholder: 'PATH', parse: (value) => value }, help, fallback)
}

/** A whole number between `minimum` and `maximum`. */
export function integer(help: string, fallback: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): Setting<number> {
  const parse = (value: string) => {
    const number = /^-?\d+$/.test(value.trim()) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number)) throw new Error(`${JSON.stringify(value)} is not a whole number`)
    if (number < minimum || number > maximum) throw new Error(`${number} is not between ${minimum} and ${maximum}`)
    return number
  }
  return make({ placeholder: 'NUMBER', parse }, help, fallback)
}

/** A number, fractions allowed. */
export function decimal(help: string, fallback: number, minimum: number, maximum: number): Setting<number> {
  const parse = (value: string) => {
    const number = value.trim() === '' ? Number.NaN : Number(value)
    if (!Number.isFinite(number)) throw new Error(`${JSON.stringify(value)} is not a number`)
    if (number < minimum || number > maximum) throw new Error(`${number} is not between ${minimum} and ${maximum}`)
    return number
  }
  return make({ placeholder: 'NUMBER', parse }, help, fallback)
}

/** A TCP or UDP port; 0 lets the system choose. */
export function port(help: string, fallback: number): Setting<number> {
  return { ...integer(help, fallback, 0, 65_535), placeholder: 'PORT' }
}

/** true or false; the bare flag means true. */
export function boolean(help: string, fallback: boolean): Setting<boolean> {
  const parse = (value: string) => {
    if (/^(true|1|yes)$/i.test(value)) return true
    if (/^(false|0|no)$/i.test(value)) return false
    throw new Error(`${JSON.stringify(value)} is neither true nor false`)
  }
  return make({ placeholder: 'true|false', parse, bare: 'true' }, help, fallback)
}

/** One of a few words. */
export function choice<const C extends string>(help: string, choices: readonly C[], fallback: C): Setting<C> {
  const parse = (value: string) => {
    const found = choices.find((one) => one === value)
    if (found === undefined) throw new Error(`${JSON.stringify(value)} is none of ${choices.join(', ')}`)
    return found
  }
  return make<C>({ placeholder: choices.join('|'), parse }, help, fallback)
}

/** Comma-separated texts; empty text is the empty list. */
export function list(help: string, fallback: readonly string[] = []): Setting<readonly string[]> {
  const parse = (value: string): readonly string[] =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  return make({ placeholder: 'A,B,…', parse, show: (values) => values.join(',') }, help, fallback)
}

/** Some of a few words, comma-separated. */
export function choices<const C extends string>(help: string, all: readonly C[], fallback: readonly C[]): Setting<readonly C[]> {
  const parse = (value: string): readonly C[] =>
    list(help)
      .parse(value)
      .map(choice(help, all, all[0]!).parse)
  return make({ placeholder: 'A,B,…', parse, show: (values) => values.join(',') }, help, fallback)
}

/** Keys with values, a flag for each. A value may hold everything but a line end; in the environment each has a line. */
export function pairs(help: string): Setting<readonly (readonly [string, string])[]> {
  const parse = (value: string): readonly (readonly [string, string])[] =>
    value.split('\n').map((line) => {
      const equals = line.indexOf('=')
      if (equals < 1) throw new Error(`${JSON.stringify(line)} is no KEY=VALUE`)
      return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()] as const
    })
  return { ...make({ placeholder: 'KEY=VALUE', parse, show: () => '' }, help, []), repeats: true }
}

/** Ranges of addresses: one, or one of each family with a comma in between; empty text is none. */
export function ranges(help: string, fallback: readonly string[] = []): Setting<readonly string[]> {
  const parse = (value: string): readonly string[] => (value.trim() === '' ? [] : parseRanges(value))
  return make({ placeholder: 'CIDR[,CIDR]', parse, show: (values) => values.join(',') }, help, fallback)
}

/** A length of time written as Go does (`1m30s`, `500ms`, `40s`, `2h`); the value is milliseconds. */
export function duration(help: string, fallbackMilliseconds: number): Setting<number> {
  return make({ placeholder: 'DURATION', parse: parseDuration, show: showDuration }, help, fallbackMilliseconds)
}

/** A URL of one of the given schemes. */
export function url(
  help: string,
  fallback: string | undefined,
  schemes: readonly string[] = ['https', 'http'],
): Setting<string | undefined> {
  const parse = (value: string) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1))) {
      throw new Error(`${JSON.stringify(value)} is not a URL with ${schemes.join(' or ')}`)
    }
    return value
  }
  return make<string | undefined>({ placeholder: 'URL', parse }, help, fallback)
}

const unitMilliseconds: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** @throws Error when the text is no duration in Go's notation */
export function parseDuration(value: string): number {
  if (value === '0') return 0
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy
  let total = 0
  let end = 0
  for (let match = part.exec(value); match; match = part.exec(value)) {
    total += Number(match[1]) * unitMilliseconds[match[2]!]!
    end = part.lastIndex
  }
  if (value === '' || end !== value.length) throw new Error(`${JSON.stringify(value)} is not a duration such as 40s or 1m30s`)
  return total
}

/** Milliseconds in Go's notation. */
export function showDuration(milliseconds: number): string {
  if (milliseconds < 1000) return milliseconds === 0 ? '0s' : `${milliseconds}ms`
  const hours = Math.floor(milliseconds / 3_600_000)
  const minutes = Math.floor(milliseconds / 60_000) % 60
  const seconds = (milliseconds % 60_000) / 1000
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`
}
