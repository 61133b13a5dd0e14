import { readFile } from 'node:fs/promises'
import type { ErrorObject } from 'ajv'
import { ConfigError, type FileSettings } from './config.ts'
import { nearest } from './nearest.ts'

/** A JSON schema. `{ unused: true }` marks a field of upstream's kind that nothing here acts on yet: it is allowed, and told. */
export type FieldSchema = Readonly<Record<string, unknown>>

/** A versioned kind of configuration, as upstream has them. */
export interface ConfigKind {
  readonly apiVersion: string
  /** Versions that say the same. */
  readonly olderVersions?: readonly string[]
  readonly kind: string
  /** Schemas of the fields besides apiVersion and kind. Objects in them are closed. */
  readonly fields: Readonly<Record<string, FieldSchema>>
  /** Whether no line of the file may be repeated in an error. */
  readonly holdsSecrets?: boolean
}

/** One of which fields become settings of a program. */
export interface ConfigFileKind extends ConfigKind {
  /** What the content, which fits the schema, says about the program's settings: text as a flag would have it, and the field it is from. */
  read(content: ConfigFileContent): Readonly<Record<string, FileSetting | undefined>>
}

export type ConfigFileContent = Readonly<Record<string, unknown>>

export interface FileSetting {
  readonly field: string
  readonly text: string
}

/** What a file says: settings for `readConfig`, and sentences about fields that are not acted on. */
export interface ConfigFile {
  readonly settings: FileSettings
  readonly warnings: readonly string[]
}

/** An object of which only these fields are known. */
export function closedObject(properties: Readonly<Record<string, FieldSchema>>, required: readonly string[] = []): FieldSchema {
  return { type: 'object', additionalProperties: false, properties, required }
}

/** Fields that are allowed and not acted on. */
export function unusedFields(names: readonly string[]): Record<string, FieldSchema> {
  return Object.fromEntries(names.map((name) => [name, { unused: true }]))
}

/**
 * Reads a configuration file, YAML or JSON. `ajv` and the YAML reader are loaded here: a program without a file has neither.
 * @throws ConfigError that names the file, every wrong field and, for unknown ones, the nearest known
 */
export async function readConfigFile(path: string, kind: ConfigFileKind): Promise<ConfigFile> {
  const { content, warnings } = await readConfigContent(path, kind)
  const settings = Object.entries(kind.read(content)).flatMap(([key, setting]) =>
    setting === undefined ? [] : [[key, { place: `${path}: ${setting.field}`, text: setting.text }] as const],
  )
  return { settings: new Map(settings), warnings }
}

/** What fits its kind, and sentences about fields that are not acted on. */
export interface CheckedContent<T = ConfigFileContent> {
  readonly content: T
  readonly warnings: readonly string[]
}

/** The same of a file that holds more than settings; `T` is what the schemas of its kind let through. @throws ConfigError */
export async function readConfigContent<T = ConfigFileContent>(path: string, kind: ConfigKind): Promise<CheckedContent<T>> {
  return checkConfigContent<T>(path, await parse(path, kind), kind)
}

/** Checks what was read from a place: a file, or a field of one. @throws ConfigError */
export async function checkConfigContent<T = ConfigFileContent>(
  place: string,
  value: unknown,
  kind: ConfigKind,
): Promise<CheckedContent<T>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ConfigError(`${place}: holds no object`)
  const content: ConfigFileContent = Object.fromEntries(Object.entries(value))
  const isKnownVersion = [kind.apiVersion, ...(kind.olderVersions ?? [])].some((version) => version === content['apiVersion'])
  if (!isKnownVersion || content['kind'] !== kind.kind) {
    const found = `${String(content['apiVersion'])}, Kind=${String(content['kind'])}`
    throw new ConfigError(`${place}: holds ${found}, where ${kind.apiVersion}, Kind=${kind.kind} is expected`)
  }
  const { Ajv } = await import('ajv')
  const unused: string[] = []
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true })
  ajv.addKeyword({
    keyword: 'unused',
    validate(_schema: unknown, _data: unknown, _parent: unknown, place?: { instancePath: string }) {
      unused.push(fieldOf(place?.instancePath ?? ''))
      return true
    },
  })
  const fits = ajv.compile<T>(closedObject({ apiVersion: {}, kind: {}, ...kind.fields }))
  const checked: unknown = content
  if (!fits(checked))
    throw new ConfigError(
      (fits.errors ?? [])
        .filter(isFault)
        .map((error) => `${place}: ${sentenceOf(error)}`)
        .join('\n'),
    )
  return {
    content: checked,
    warnings: unused.map((field) => `${place}: ${field} is a field of ${kind.kind} that nothing here acts on yet`),
  }
}

async function parse(path: string, { holdsSecrets = false }: ConfigKind): Promise<unknown> {
  const [yaml, text] = await Promise.all([import('yaml'), readConfigText(path)])
  try {
    return yaml.parse(text, { prettyErrors: !holdsSecrets })
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** @throws ConfigError that names the file */
export async function readConfigText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): ConfigError {
  return new ConfigError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}

/** That the branch of a condition does not fit is told besides what does not fit in it. */
function isFault({ keyword }: ErrorObject): boolean {
  return keyword !== 'if'
}

function sentenceOf(error: ErrorObject): string {
  const field = fieldOf(error.instancePath)
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params['additionalProperty'])
    const known: unknown = error.parentSchema?.['properties']
    const guess = nearest(name, typeof known === 'object' && known !== null ? Object.keys(known) : [])
    return `${field === '' ? '' : `${field}.`}${name}: unknown field${guess ? `; did you mean ${guess}?` : ''}`
  }
  if (error.keyword === 'enum') return `${field}: must be one of ${JSON.stringify(error.params['allowedValues'])}`
  if (error.keyword === 'pattern') {
    // What a pattern means is said beside it.
    const meaning: unknown = error.parentSchema?.['description']
    if (typeof meaning === 'string') return `${field}: must be ${meaning}`
  }
  return `${field}: ${error.message ?? error.keyword}`
}

/** `/profiles/0/schedulerName` → `profiles[0].schedulerName`. */
function fieldOf(pointer: string): string {
  const words = pointer
    .split('/')
    .slice(1)
    .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'))
  return words.reduce((path, word) => (/^\d+$/.test(word) ? `${path}[${word}]` : path === '' ? word : `${path}.${word}`), '')
}
