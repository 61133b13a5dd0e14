import { nearest } from './nearest.ts'
import type { Setting } from './setting.ts'

/** Settings by the name the code uses; `clusterCidr` is the flag `--cluster-cidr` and the variable `COXSWAIN_CLUSTER_CIDR`. */
export type SettingsTable = Record<string, Setting<unknown>>

/** What a table is read into. */
export type ConfigOf<T extends SettingsTable> = { readonly [P in keyof T]: T[P] extends Setting<infer V> ? V : never }

/** Bad flags or environment: the message is for the person who started the program. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** `--help` was asked for; the message is the text to print. Exit code 0. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested'
}

/** Settings by key, from a configuration file: text as a flag would have it, and where it stood. */
export type FileSettings = ReadonlyMap<string, { readonly place: string; readonly text: string }>

/** Where settings come from; handed in so that tests need no process. */
export interface ConfigSources {
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** What the configuration file says, where there is one. */
  file?: FileSettings | undefined
}

/**
 * Reads flags (`--x-y v`, `--x-y=v`, a bare `--x-y` for booleans), then the environment, then the file, then defaults.
 * @throws ConfigError naming every wrong setting at once, HelpRequested for `--help`
 */
export function readConfig<T extends SettingsTable>(program: ProgramText, table: T, sources: ConfigSources): ConfigOf<T> {
  const problems: string[] = []
  const flags = readFlags(table, sources.args, problems)
  if (flags === 'help') throw new HelpRequested(helpText(program, table))
  const config: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(table)) {
    const fromFlag = flags.get(key)
    const fromEnvironment = sources.env[environmentName(key)]
    const fromFile = sources.file?.get(key)
    const given = fromFlag ?? (fromEnvironment === '' ? undefined : fromEnvironment)
    const text = given ?? fromFile?.text
    const place = fromFlag !== undefined ? `--${flagName(key)}` : given !== undefined ? environmentName(key) : (fromFile?.place ?? '')
    if (text === undefined) {
      if (setting.required) problems.push(`--${flagName(key)} is required: ${setting.help}`)
      config[key] = setting.fallback
      continue
    }
    try {
      config[key] = setting.parse(text)
    } catch (error) {
      problems.push(`${place}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (problems.length > 0) throw new ConfigError(`${problems.join('\n')}\nTry --help.`)
  return config as ConfigOf<T>
}

/** What `--help` says above the flags. */
export interface ProgramText {
  name: string
  summary: string
}

function readFlags(table: SettingsTable, args: readonly string[], problems: string[]): Map<string, string> | 'help' {
  const keys = new Map(Object.keys(table).map((key) => [flagName(key), key]))
  const found = new Map<string, string>()
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help' || arg === '-h') return 'help'
    if (!arg.startsWith('--')) {
      problems.push(`unexpected argument ${JSON.stringify(arg)}`)
      continue
    }
    const equals = arg.indexOf('=')
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals)
    const key = keys.get(name)
    const setting = key === undefined ? undefined : table[key]
    if (key === undefined || setting === undefined) {
      const guess = nearest(name, [...keys.keys()])
      problems.push(`unknown flag --${name}${guess ? `; did you mean --${guess}?` : ''}`)
      if (equals < 0 && rest[0] !== undefined && !rest[0].startsWith('-')) rest.shift()
      continue
    }
    const value = equals >= 0 ? arg.slice(equals + 1) : setting.bare !== undefined ? setting.bare : rest.shift()
    if (value === undefined) problems.push(`--${name} needs a value (${setting.placeholder})`)
    else found.set(key, setting.repeats && found.has(key) ? `${found.get(key)}\n${value}` : value)
  }
  return found
}

function helpText(program: ProgramText, table: SettingsTable): string {
  const rows = Object.entries(table).map(([key, setting]) => ({
    left: `--${flagName(key)} ${setting.placeholder}`,
    right: `${setting.help}${setting.shownDefault ? ` (default ${setting.shownDefault})` : setting.required ? ' (required)' : ''}`,
  }))
  const width = Math.min(48, Math.max(...rows.map((row) => row.left.length), 0))
  const lines = rows.map((row) => `  ${row.left.padEnd(width)}  ${row.right}`)
  return [
    `${program.name}: ${program.summary}`,
    '',
    'Flags; each can also be set by the environment: --x-y is COXSWAIN_X_Y.',
    ...lines,
    '',
  ].join('\n')
}

/** `clusterCidr` → `cluster-cidr`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `clusterCidr` → `COXSWAIN_CLUSTER_CIDR`. */
export function environmentName(key: string): string {
  return `COXSWAIN_${flagName(key).replaceAll('-', '_').toUpperCase()}`
}
