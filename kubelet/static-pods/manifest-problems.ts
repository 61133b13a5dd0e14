import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import type { Container, Pod, PodSpec, VolumeProjection } from '../../shared/openapi/generated/core-v1.ts'
import { subdomainProblems } from '../../shared/selectors/label-syntax.ts'

/**
 * What keeps a manifest from being a pod of this node: what would hurt the node itself (names become paths here), what could never start, and
 * what only the API server could look up, which static pods may not refer to (as upstream). Everything else the API server says when it is
 * given the mirror.
 */
export function* manifestProblems({ metadata, spec }: Pod): Generator<FieldProblem> {
  yield* nameProblems('metadata.name', metadata.name, subdomainProblems)
  yield* nameProblems('metadata.namespace', metadata.namespace, dnsLabelProblems)
  yield* containerProblems(spec)
  const volumes = spec.volumes ?? []
  yield* namesProblems('spec.volumes', volumes)
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      for (const [at, { name }] of (container.volumeMounts ?? []).entries()) {
        if (!volumes.some((volume) => volume.name === name))
          yield fieldProblem.notFound(`spec.${list}[${index}].volumeMounts[${at}].name`, name)
      }
    }
  }
  if (spec.ephemeralContainers?.length) yield fieldProblem.forbidden('spec.ephemeralContainers', 'cannot be set on create')
  for (const [path, what] of referencesOf(spec)) yield fieldProblem.forbidden(path, `static pods may not reference ${what}`)
}

function* containerProblems(spec: PodSpec): Generator<FieldProblem> {
  if (spec.containers.length === 0) yield fieldProblem.required('spec.containers')
  const names = new Set<string>()
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, { name, image }] of (spec[list] ?? []).entries()) {
      const path = `spec.${list}[${index}]`
      yield* nameProblems(`${path}.name`, name, dnsLabelProblems)
      if (names.has(name)) yield fieldProblem.duplicate(`${path}.name`, name)
      names.add(name)
      if (!image) yield fieldProblem.required(`${path}.image`)
    }
  }
}

function* namesProblems(path: string, items: readonly { name: string }[]): Generator<FieldProblem> {
  const names = new Set<string>()
  for (const [index, { name }] of items.entries()) {
    yield* nameProblems(`${path}[${index}].name`, name, dnsLabelProblems)
    if (names.has(name)) yield fieldProblem.duplicate(`${path}[${index}].name`, name)
    names.add(name)
  }
}

/** As a DNS label (RFC 1123): names of containers and volumes become folders here. */
function dnsLabelProblems(value: string): string[] {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)
    ? []
    : ["must be a DNS label: at most 63 of a-z, 0-9 and '-', not beginning or ending with '-'"]
}

function* nameProblems(path: string, name: string | undefined, rule: (name: string) => string[]): Generator<FieldProblem> {
  if (!name) return void (yield fieldProblem.required(path))
  for (const problem of rule(name)) yield fieldProblem.invalid(path, name, problem)
}

/** Objects of the API that the pod refers to, with the field that does. */
function* referencesOf(spec: PodSpec): Generator<[path: string, what: string]> {
  if (spec.serviceAccountName) yield ['spec.serviceAccountName', 'serviceaccounts']
  if (spec.imagePullSecrets?.length) yield ['spec.imagePullSecrets', 'secrets']
  if (spec.resourceClaims?.length) yield ['spec.resourceClaims', 'resourceclaims']
  for (const list of ['containers', 'initContainers'] as const)
    for (const [index, container] of (spec[list] ?? []).entries()) yield* environmentReferences(`spec.${list}[${index}]`, container)
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const path = `spec.volumes[${index}]`
    if (volume.secret) yield [`${path}.secret`, 'secrets']
    if (volume.configMap) yield [`${path}.configMap`, 'configmaps']
    if (volume.persistentVolumeClaim) yield [`${path}.persistentVolumeClaim`, 'persistentvolumeclaims']
    if (volume.ephemeral) yield [`${path}.ephemeral`, 'persistentvolumeclaims']
    for (const [at, source] of (volume.projected?.sources ?? []).entries()) {
      const what = projected(source)
      if (what) yield [`${path}.projected.sources[${at}]`, what]
    }
  }
}

function* environmentReferences(path: string, { env, envFrom }: Container): Generator<[string, string]> {
  for (const [index, { valueFrom }] of (env ?? []).entries()) {
    if (valueFrom?.secretKeyRef) yield [`${path}.env[${index}].valueFrom.secretKeyRef`, 'secrets']
    if (valueFrom?.configMapKeyRef) yield [`${path}.env[${index}].valueFrom.configMapKeyRef`, 'configmaps']
  }
  for (const [index, { secretRef, configMapRef }] of (envFrom ?? []).entries()) {
    if (secretRef) yield [`${path}.envFrom[${index}].secretRef`, 'secrets']
    if (configMapRef) yield [`${path}.envFrom[${index}].configMapRef`, 'configmaps']
  }
}

function projected(source: VolumeProjection): string | undefined {
  if (source.secret) return 'secrets'
  if (source.configMap) return 'configmaps'
  if (source.serviceAccountToken) return 'serviceaccounts'
  if (source.clusterTrustBundle) return 'clustertrustbundles'
  return source.podCertificate ? 'podcertificates' : undefined
}
