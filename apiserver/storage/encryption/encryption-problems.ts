import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { EncryptionConfiguration, NamedKey, ProviderChoice } from './encryption-configuration.ts'
import { type GroupResource, parseGroupResource } from './group-resource.ts'

/** Lengths of keys in bytes, by provider. */
const KEY_BYTES = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] } as const

/** The providers that have keys. */
export const keyedProviders = ['aesgcm', 'aescbc', 'secretbox'] as const

/** What upstream stores and serves no API for. */
const WITHOUT_API = ['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations']

/** What is wrong with a configuration that fits its schema: upstream's rules, paths and words, and its own one about names of keys. */
export function encryptionProblems({ resources: rules = [] }: EncryptionConfiguration): FieldProblem[] {
  if (rules.length === 0) return [fieldProblem.required('resources', 'at least one resources is required')]
  return [
    ...rules.flatMap(({ resources = [], providers = [] }, index) => {
      const at = `resources[${index}]`
      return [...resourceProblems(resources, `${at}.resources`), ...providerProblems(providers, `${at}.providers`)]
    }),
    ...maskedProblems(rules.map(({ resources = [] }) => resources)),
  ]
}

function resourceProblems(names: readonly string[], path: string): FieldProblem[] {
  if (names.length === 0) return [fieldProblem.required(path, `at least one ${path} is required`)]
  const problems: FieldProblem[] = []
  const all = names.map(parseGroupResource)
  if (new Set(all.map(({ group, resource }) => `${resource}.${group}`)).size !== names.length) {
    problems.push(fieldProblem.invalid(path, names, 'the same resource cannot be specified multiple times'))
  }
  if (overlap(all)) {
    const why = "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked"
    problems.push(fieldProblem.invalid(path, names, why))
  }
  for (const [index, name] of names.entries()) {
    const why = nameProblem(name)
    if (why !== undefined) problems.push(fieldProblem.invalid(`${path}[${index}]`, name, why))
  }
  return problems
}

function overlap(all: readonly GroupResource[]): boolean {
  const stars = all.filter(({ resource }) => resource === '*')
  return stars.some((star) =>
    all.some((other) => other !== star && (star.group === '*' || (other.group === star.group && other.resource !== '*'))),
  )
}

function nameProblem(name: string): string | undefined {
  const { group, resource } = parseGroupResource(name)
  if (name !== name.toLowerCase()) return 'resource name should not contain capital letters'
  if (name === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
  if (WITHOUT_API.includes(name)) return 'resources which do not have REST API/s cannot be encrypted'
  if (group === 'events.k8s.io') {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
  }
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption"
  if (group === '*' && resource !== '*') return 'encrypting the same resource across groups is not supported'
  if (resource === '' || /[^a-z0-9.*-]/.test(name)) return 'is no resource such as secrets, deployments.apps, *. or *.*'
  return undefined
}

/** A rule that an earlier one with a star leaves nothing to. */
function maskedProblems(lists: readonly (readonly string[])[]): FieldProblem[] {
  const stars = new Map<string, string>()
  const problems: FieldProblem[] = []
  for (const [index, names] of lists.entries()) {
    const own: [string, string][] = []
    for (const [place, name] of names.entries()) {
      const { group, resource } = parseGroupResource(name)
      const mask = stars.get(group) ?? stars.get('*')
      if (mask !== undefined) {
        const path = `resources[${index}].resources[${place}]`
        problems.push(
          fieldProblem.invalid(path, name, `resource ${JSON.stringify(name)} is masked by earlier rule ${JSON.stringify(mask)}`),
        )
      }
      if (resource === '*') own.push([group, name])
    }
    for (const [group, name] of own) stars.set(group, name)
  }
  return problems
}

function providerProblems(providers: readonly ProviderChoice[], path: string): FieldProblem[] {
  if (providers.length === 0) return [fieldProblem.required(path, `at least one ${path} is required`)]
  const names = new Set<string>()
  return providers.flatMap((provider, index) => {
    const at = `${path}[${index}]`
    const count = Object.values(provider).filter((value) => value !== undefined).length
    if (count === 0) {
      const why = 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'
      return [fieldProblem.wrong(at, why)]
    }
    if (count > 1) {
      return [fieldProblem.wrong(at, 'more than one provider specified in a single element, should split into different list elements')]
    }
    if (provider.kms) {
      return [
        fieldProblem.forbidden(
          `${at}.kms`,
          'this API server speaks to no KMS plug-in; use aesgcm, aescbc or secretbox, with keys in this file',
        ),
      ]
    }
    return keyedProviders.flatMap((kind) => {
      const choice = provider[kind]
      return choice === undefined ? [] : keyProblems(choice.keys ?? [], { kind, path: `${at}.${kind}.keys`, names })
    })
  })
}

interface KeyPlace {
  readonly kind: keyof typeof KEY_BYTES
  readonly path: string
  /** Of all keys that were met in this list of providers, each with its provider: what is stored tells keys by both. */
  readonly names: Set<string>
}

function keyProblems(keys: readonly NamedKey[], { kind, path, names }: KeyPlace): FieldProblem[] {
  if (keys.length === 0) return [fieldProblem.required(path, 'at least one keys is required')]
  return keys.flatMap(({ name = '', secret = '' }, index) => {
    const at = `${path}[${index}]`
    const problems: FieldProblem[] = []
    if (name === '') problems.push(fieldProblem.required(`${at}.name`, 'name is a mandatory field for a key'))
    else if (names.has(`${kind}:${name}`)) problems.push(fieldProblem.duplicate(`${at}.name`, name))
    names.add(`${kind}:${name}`)
    if (secret === '') return [...problems, fieldProblem.required(`${at}.secret`, 'secret is a mandatory field for a key')]
    const bytes = keyBytes(secret)
    const lengths: readonly number[] = KEY_BYTES[kind]
    if (bytes === undefined) problems.push(fieldProblem.invalid(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded'))
    else if (!lengths.includes(bytes.length)) {
      const why = `secret is not of the expected length, got ${bytes.length}, expected one of [${lengths.join(' ')}]`
      problems.push(fieldProblem.invalid(`${at}.secret`, 'REDACTED', why))
    }
    return problems
  })
}

/** Padded base64; line ends are passed over, as by upstream. Undefined for other text. */
export function keyBytes(secret: string): Buffer | undefined {
  const line = secret.replaceAll(/[\r\n]/g, '')
  const bytes = Buffer.from(line, 'base64')
  return bytes.toString('base64') === line ? bytes : undefined
}
