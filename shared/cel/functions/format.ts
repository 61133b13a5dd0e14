import { fn, method, type Overload, opaque, string } from '../define.ts'
import { traversal } from '../meter.ts'
import { parseTimestamp } from '../time-values.ts'
import { listOf, opaqueType, optionalOf, stringType } from '../type.ts'
import { CelError, none, Opaque, OptionalValue, type Value, ValueList } from '../value.ts'

const type = opaqueType('kubernetes.NamedFormat')
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

/** What is wrong with a text; nothing if it is right. */
type Check = (text: string) => readonly string[]

const tooLong = (text: string, most: number) => (text.length > most ? [`must be no more than ${most} bytes`] : [])
/** Every pattern here is linear: no repetition can be read in two ways. */
const shaped = (pattern: string, told: string, most: number): Check => {
  const whole = new RegExp(`^${pattern}$`)
  return (text) => [
    ...tooLong(text, most),
    ...(whole.test(text.slice(0, most + 1)) ? [] : [`${told} (regex used for validation is '${pattern}')`]),
  ]
}
const label = shaped(
  LABEL,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc',",
  63,
)
const subdomain = shaped(
  SUBDOMAIN,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com',",
  253,
)
const label1035 = shaped(
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123',",
  63,
)
const name63 = shaped(
  NAME,
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc',",
  63,
)

const qualifiedName: Check = (text) => {
  const slash = text.indexOf('/')
  return [...(slash < 0 ? [] : subdomain(text.slice(0, slash)).map((each) => `prefix part ${each}`)), ...name63(text.slice(slash + 1))]
}

/** A prefix of a name that is made longer may end with a dash. */
const prefixOf =
  (check: Check): Check =>
  (text) =>
    check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text)

const oneOf =
  (pattern: RegExp, told: string): Check =>
  (text) =>
    pattern.test(text) ? [] : [told]

const formats: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['dns1123Label', label],
  ['dns1123Subdomain', subdomain],
  ['dns1035Label', label1035],
  ['dns1123LabelPrefix', prefixOf(label)],
  ['dns1123SubdomainPrefix', prefixOf(subdomain)],
  ['dns1035LabelPrefix', prefixOf(label1035)],
  ['qualifiedName', qualifiedName],
  ['labelValue', (text) => (text === '' ? [] : name63(text))],
  ['uri', oneOf(/^([A-Za-z][A-Za-z0-9+.-]*:|\/)[^\s]*$/, 'invalid URI for request')],
  ['uuid', oneOf(/^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/, 'does not match the UUID format')],
  ['byte', oneOf(/^[A-Za-z0-9+/]*={0,2}$/, 'invalid base64')],
  [
    'date',
    (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && !(parseTimestamp(`${text}T00:00:00Z`) instanceof CelError) ? [] : ['invalid date']),
  ],
  ['datetime', (text) => (parseTimestamp(text) instanceof CelError ? ['invalid datetime'] : [])],
])

/** A format by its name. */
class FormatValue extends Opaque {
  override readonly type = type
  readonly name: string
  readonly check: Check

  constructor(name: string, check: Check) {
    super()
    this.name = name
    this.check = check
  }

  override get identity(): string {
    return this.name
  }
}

function named(name: string): Value {
  const check = formats.get(name)
  return check ? new OptionalValue(new FormatValue(name, check)) : none
}

/** Kubernetes' named formats. */
export const namedFormats: readonly Overload[] = [
  fn('format.named', [string], optionalOf(type), ([name]) => named(name)),
  ...[...formats].map(([name, check]) => fn(`format.${name}`, [], type, () => new FormatValue(name, check))),
  method(
    'validate',
    [opaque(type, FormatValue), string],
    optionalOf(listOf(stringType)),
    ([{ check }, text]) => {
      const problems = check(text)
      return problems.length === 0 ? none : new OptionalValue(new ValueList(problems))
    },
    ([, size]) => traversal(size! + 1) * 8,
  ),
]
