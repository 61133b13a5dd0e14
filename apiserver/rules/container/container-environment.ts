import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../../shared/openapi/generated/core-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { contentKeyProblems } from '../metadata/names.ts'

const variableFields: readonly string[] = [
  ...['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName'],
  ...['status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'],
]
/** What a downward API volume can show: whole maps, too, but nothing that is only known on the node. */
export const volumeFields: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
]
const allFields: ReadonlySet<string> = new Set([...variableFields, ...volumeFields])
const containerResources: readonly string[] = [
  ...['limits.cpu', 'limits.ephemeral-storage', 'limits.memory'],
  ...['requests.cpu', 'requests.ephemeral-storage', 'requests.memory'],
]
const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const
const NAME_SENTENCE = "a valid environment variable name must consist only of printable ASCII characters other than '='"

export function* variablesProblems(variables: readonly EnvVar[], path: string): Generator<FieldProblem> {
  for (const [index, variable] of variables.entries()) {
    const at = `${path}[${index}]`
    if (!variable.name) yield fieldProblem.required(`${at}.name`)
    else if (!isVariableName(variable.name)) yield fieldProblem.invalid(`${at}.name`, variable.name, NAME_SENTENCE)
    if (variable.valueFrom) yield* sourceProblems(variable, variable.valueFrom, `${at}.valueFrom`)
  }
}

export function* environmentSourcesProblems(given: readonly EnvFromSource[], path: string): Generator<FieldProblem> {
  for (const [index, source] of given.entries()) {
    const at = `${path}[${index}]`
    if (source.prefix && !isVariableName(source.prefix)) yield fieldProblem.invalid(`${at}.prefix`, source.prefix, NAME_SENTENCE)
    const kinds = (['configMapRef', 'secretRef'] as const).filter((kind) => source[kind])
    if (kinds.length === 0) yield fieldProblem.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`')
    if (kinds.length > 1) yield fieldProblem.invalid(at, '', 'may not have more than one field specified at a time')
    for (const kind of kinds) {
      const name = source[kind]?.name ?? ''
      if (name === '') yield fieldProblem.required(`${at}.${kind}.name`)
      else for (const problem of subdomainProblems(name)) yield fieldProblem.invalid(`${at}.${kind}.name`, name, problem)
    }
  }
}

function isVariableName(name: string): boolean {
  return /^[ -<>-~]+$/.test(name)
}

function* sourceProblems(variable: EnvVar, source: EnvVarSource, path: string): Generator<FieldProblem> {
  const given = sources.filter((kind) => source[kind])
  if (given.length === 0) {
    const detail = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    yield fieldProblem.invalid(path, '', detail)
  } else if (variable.value) yield fieldProblem.invalid(path, '', 'may not be specified when `value` is not empty')
  else if (given.length > 1) yield fieldProblem.invalid(path, '', 'may not have more than one field specified at a time')
  if (source.fieldRef) yield* fieldRefProblems(source.fieldRef, variableFields, `${path}.fieldRef`)
  if (source.resourceFieldRef) yield* resourceRefProblems(source.resourceFieldRef, `${path}.resourceFieldRef`)
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const key = source[kind]?.key
    if (key === undefined) continue
    if (key === '') yield fieldProblem.required(`${path}.${kind}.key`)
    else for (const problem of contentKeyProblems(key)) yield fieldProblem.invalid(`${path}.${kind}.key`, key, problem)
  }
}

/** A field of the pod by path, e.g. `metadata.labels['app']`. */
export function* fieldRefProblems(selector: ObjectFieldSelector, supported: readonly string[], path: string): Generator<FieldProblem> {
  const { fieldPath } = selector
  if (!fieldPath) {
    yield fieldProblem.required(`${path}.fieldPath`)
    return
  }
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(fieldPath)
  if (subscript) return
  if (!allFields.has(fieldPath)) {
    yield fieldProblem.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)
  } else if (!supported.includes(fieldPath)) yield fieldProblem.notSupported(`${path}.fieldPath`, fieldPath, supported)
}

/** A resource of a container; `needsContainer` where there is no container around the reference. */
export function* resourceRefProblems(selector: ResourceFieldSelector, path: string, needsContainer = false): Generator<FieldProblem> {
  const { resource, divisor = '0', containerName } = selector
  if (needsContainer && !containerName) yield fieldProblem.required(`${path}.containerName`)
  if (!resource) {
    yield fieldProblem.required(`${path}.resource`)
    return
  }
  if (!containerResources.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    yield fieldProblem.notSupported(`${path}.resource`, resource, containerResources)
    return
  }
  if (resource.endsWith('.cpu')) {
    if (!['0', '1m', '1'].includes(divisor)) {
      yield fieldProblem.invalid(`${path}.divisor`, divisor, "only divisor's values 1m and 1 are supported with the cpu resource")
    }
  } else if (!/^(0|1([kMGTPE]|[KMGTPE]i)?)$/.test(divisor)) {
    const detail =
      "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage and memory resources"
    yield fieldProblem.invalid(`${path}.divisor`, divisor, detail)
  }
}
