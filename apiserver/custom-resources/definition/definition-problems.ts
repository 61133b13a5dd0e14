import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { oldDnsLabelProblems } from '../../rules/metadata/names.ts'
import { APPROVED, isProtectedGroup } from './accept-names.ts'
import { conversionProblems } from './conversion-problems.ts'
import { defaultProblems } from './default-problems.ts'
import { isConditionTrue } from './definition-conditions.ts'
import { ruleProblems } from './rule-problems.ts'
import { schemaProblems } from './schema-problems.ts'
import { versionPartProblems } from './version-problems.ts'

/** Versions of one definition; those in use have at most five. */
const VERSIONS = 100

/** What is wrong with a definition by itself: upstream's rules and sentences. */
export function* definitionProblems({ metadata, spec, status }: CustomResourceDefinition): Generator<FieldProblem> {
  const wanted = `${spec.names.plural}.${spec.group}`
  if (metadata.name !== wanted) yield fieldProblem.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')
  if (spec.group === '') yield fieldProblem.required('spec.group')
  else {
    const [problem] = subdomainProblems(spec.group)
    if (problem) yield fieldProblem.invalid('spec.group', spec.group, problem)
    else if (!spec.group.includes('.')) yield fieldProblem.invalid('spec.group', spec.group, 'should be a domain with at least one dot')
  }
  if (isProtectedGroup(spec.group) && !metadata.annotations?.[APPROVED]) {
    const detail = `protected groups must have approval annotation "${APPROVED}", see https://github.com/kubernetes/enhancements/pull/1111`
    yield fieldProblem.required(`metadata.annotations[${APPROVED}]`, detail)
  }
  if (spec.scope === '') yield fieldProblem.required('spec.scope')
  else if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced') {
    yield fieldProblem.notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced'])
  }
  if (spec.preserveUnknownFields) {
    yield fieldProblem.invalid(
      'spec.preserveUnknownFields',
      true,
      'must be false in order to use defaults in the schema; set x-kubernetes-preserve-unknown-fields where unknown fields are wanted',
    )
  }
  yield* namesProblems(spec.names, 'spec.names')
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!spec.names[name]) yield fieldProblem.required(`spec.names.${name}`)
  }
  yield* versionsProblems(spec.versions)
  yield* conversionProblems(spec.conversion, spec.versions)
  yield* namesProblems(status.acceptedNames, 'status.acceptedNames')
}

function* versionsProblems(versions: readonly CustomResourceDefinitionVersion[]): Generator<FieldProblem> {
  if (versions.length > VERSIONS) return yield fieldProblem.tooMany('spec.versions', versions.length, VERSIONS)
  const names = new Set(versions.map(({ name }) => name))
  if (names.size !== versions.length) yield fieldProblem.wrong('spec.versions', 'must contain unique version names')
  if (versions.filter(({ storage }) => storage).length !== 1) {
    yield fieldProblem.wrong('spec.versions', 'must have exactly one version marked as storage version')
  }
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`
    const [problem] = oldDnsLabelProblems(version.name)
    if (problem) yield fieldProblem.invalid(`${path}.name`, version.name, problem)
    if (version.deprecationWarning !== undefined && !version.deprecated) {
      yield fieldProblem.invalid(`${path}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions')
    }
    const at = `${path}.schema.openAPIV3Schema`
    const schema = version.schema?.openAPIV3Schema
    if (!schema) yield fieldProblem.required(at, 'schemas are required')
    else {
      let isGood = true
      for (const each of schemaProblems(schema, at, version.subresources?.status !== undefined)) {
        isGood = false
        yield each
      }
      if (isGood) {
        yield* defaultProblems(schema, at)
        yield* ruleProblems(schema, at)
      }
    }
    yield* versionPartProblems(version, path)
  }
}

function* namesProblems(names: CustomResourceDefinitionNames, path: string): Generator<FieldProblem> {
  const check = function* (value: string | undefined, at: string, prefix = '') {
    if (!value) return
    const [problem] = oldDnsLabelProblems(prefix ? value.toLowerCase() : value)
    if (problem) yield fieldProblem.invalid(`${path}.${at}`, value, `${prefix}${problem}`)
  }
  const mixed = 'may have mixed case, but should otherwise match: '
  yield* check(names.plural, 'plural')
  yield* check(names.singular, 'singular')
  yield* check(names.kind, 'kind', mixed)
  yield* check(names.listKind, 'listKind', mixed)
  for (const [index, name] of (names.shortNames ?? []).entries()) yield* check(name, `shortNames[${index}]`)
  for (const [index, name] of (names.categories ?? []).entries()) yield* check(name, `categories[${index}]`)
  if (names.kind && names.kind === names.listKind) {
    yield fieldProblem.invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same')
  }
}

/** What may not change. */
export function* definitionUpdateProblems(next: CustomResourceDefinition, previous: CustomResourceDefinition): Generator<FieldProblem> {
  if (isConditionTrue(previous, 'Established')) {
    yield* immutableProblem('spec.scope', next.spec.scope, previous.spec.scope)
    yield* immutableProblem('spec.names.kind', next.spec.names.kind, previous.spec.names.kind)
  }
  yield* immutableProblem('spec.group', next.spec.group, previous.spec.group)
  yield* immutableProblem('spec.names.plural', next.spec.names.plural, previous.spec.names.plural)
  yield* storedVersionsProblems(next)
}

/** What a writer of the status may not say. */
export function* definitionStatusProblems(next: CustomResourceDefinition): Generator<FieldProblem> {
  yield* namesProblems(next.status.acceptedNames, 'status.acceptedNames')
  const stored = next.status.storedVersions ?? []
  if (stored.length === 0) yield fieldProblem.wrong('status.storedVersions', 'must have at least one version')
  const storage = next.spec.versions.find((version) => version.storage)?.name ?? ''
  if (stored.length > 0 && !stored.includes(storage)) {
    yield fieldProblem.invalid('status.storedVersions', stored, `must have the storage version ${storage}`)
  }
  yield* storedVersionsProblems(next)
}

function* storedVersionsProblems({ spec, status }: CustomResourceDefinition): Generator<FieldProblem> {
  const names = new Set(spec.versions.map(({ name }) => name))
  for (const [index, name] of (status.storedVersions ?? []).entries()) {
    if (!names.has(name)) yield fieldProblem.invalid(`status.storedVersions[${index}]`, name, 'must appear in spec.versions')
  }
}
