import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Random } from '../../shared/random/random.ts'
import { byteLength, labelKeyProblems, labelValueProblems, subdomainProblems } from '../../shared/selectors/label-syntax.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { pathSegmentProblem } from '../http/path-segment.ts'
import type { Resource } from './resource-table.ts'

/** Together, keys and values (apimachinery's TotalAnnotationSizeLimitB). */
const ANNOTATIONS_LIMIT = 256 * 1024
/** Generated names are cut so that five letters fit into a label. */
const GENERATED_BASE_LIMIT = 63 - 5

/** Names, dates and numbers the server gives a new object; what a creator may not choose is overwritten. */
export function stampNewObject(resource: Resource, object: KubeObject, random: Random, now: number): void {
  const { metadata } = object
  if (!metadata.name && metadata.generateName) {
    metadata.name = `${metadata.generateName.slice(0, GENERATED_BASE_LIMIT)}${random.nameSuffix(5)}`
  }
  metadata.uid = random.uuid()
  metadata.creationTimestamp = timestamp(now)
  metadata.deletionTimestamp = undefined
  metadata.deletionGracePeriodSeconds = undefined
  metadata.resourceVersion = undefined
  metadata.selfLink = undefined
  metadata.generation = resource.hasGeneration ? 1 : undefined
}

/** An updater may change labels, annotations, owners, finalizers and managed fields; the rest stays what it was. */
export function keepIdentity(next: KubeObject, previous: KubeObject): void {
  const { name, namespace, uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, generateName } =
    previous.metadata
  Object.assign(next.metadata, {
    ...{ name, namespace, uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, generateName },
    ...{ resourceVersion: previous.metadata.resourceVersion, selfLink: undefined },
  })
}

/** Gives the object the namespace of the URL. @throws StatusError BadRequest when it names another, or none is possible */
export function placeInNamespace(resource: Resource, object: KubeObject, namespace: string): void {
  const own = object.metadata.namespace
  if (!resource.namespaced) {
    if (own) throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request')
    object.metadata.namespace = undefined
    return
  }
  if (own && own !== namespace) {
    throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request')
  }
  object.metadata.namespace = namespace
}

/** What every kind's metadata must satisfy. `previous` is undefined for a new object. */
export function* metadataProblems(resource: Resource, object: KubeObject, previous: KubeObject | undefined): Generator<FieldProblem> {
  const { metadata } = object
  if (!previous) yield* nameProblems(resource, object)
  const { labels, annotations, ownerReferences, finalizers } = metadata
  for (const key in labels) {
    for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid('metadata.labels', key, problem)
    for (const problem of labelValueProblems(labels[key]!)) yield fieldProblem.invalid('metadata.labels', labels[key], problem)
  }
  if (annotations) yield* annotationProblems(annotations)
  if (ownerReferences) yield* ownerProblems(ownerReferences)
  if (finalizers) yield* finalizerProblems(finalizers, previous)
}

/** What is wrong with a text as the name of an object of any kind, or as a word of its URL. */
export const segmentProblem = pathSegmentProblem

function* nameProblems(resource: Resource, { metadata }: KubeObject): Generator<FieldProblem> {
  const rule = resource.definition.hooks.validateName ?? ((name: string) => subdomainProblems(name)[0])
  if (metadata.generateName) {
    // A prefix may end where the generated letters go on.
    const problem = rule(`${withoutDashes(metadata.generateName)}a`)
    if (problem) yield fieldProblem.invalid('metadata.generateName', metadata.generateName, problem)
  }
  if (!metadata.name) yield fieldProblem.required('metadata.name', 'name or generateName is required')
  else {
    const problem = pathSegmentProblem(metadata.name) ?? tooLongName(metadata.name) ?? rule(metadata.name)
    if (problem) yield fieldProblem.invalid('metadata.name', metadata.name, problem)
  }
}

/** Without the dashes at the end; a regular expression for that looks again from every dash. */
function withoutDashes(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '-') end--
  return text.slice(0, end)
}

const tooLongName = (name: string) => (byteLength(name) > 253 ? 'must be no more than 253 bytes' : undefined)

function* annotationProblems(annotations: Record<string, string>): Generator<FieldProblem> {
  let size = 0
  for (const key in annotations) {
    for (const problem of labelKeyProblems(key.toLowerCase())) yield fieldProblem.invalid('metadata.annotations', key, problem)
    size += byteLength(key) + byteLength(annotations[key]!)
  }
  if (size > ANNOTATIONS_LIMIT) yield fieldProblem.tooLong('metadata.annotations', ANNOTATIONS_LIMIT)
}

function* ownerProblems(owners: NonNullable<KubeObject['metadata']['ownerReferences']>): Generator<FieldProblem> {
  let controller: string | undefined
  for (const [index, owner] of owners.entries()) {
    const path = `metadata.ownerReferences[${index}]`
    if (!owner.apiVersion) yield fieldProblem.invalid(`${path}.apiVersion`, owner.apiVersion, 'version must not be empty')
    if (!owner.kind) yield fieldProblem.invalid(`${path}.kind`, owner.kind, 'must not be empty')
    if (!owner.name) yield fieldProblem.invalid(`${path}.name`, owner.name, 'must not be empty')
    if (!owner.uid) yield fieldProblem.invalid(`${path}.uid`, owner.uid, 'must not be empty')
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      yield fieldProblem.invalid(path, owner, 'v1, Kind=Event is disallowed from being an owner')
    }
    if (!owner.controller) continue
    if (controller !== undefined) {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.name}`
      yield fieldProblem.invalid('metadata.ownerReferences', owners, detail)
    }
    controller = owner.name
  }
}

function* finalizerProblems(finalizers: readonly string[], previous: KubeObject | undefined): Generator<FieldProblem> {
  for (const [index, finalizer] of finalizers.entries()) {
    for (const problem of labelKeyProblems(finalizer)) yield fieldProblem.invalid(`metadata.finalizers[${index}]`, finalizer, problem)
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    yield fieldProblem.invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')
  }
  if (previous?.metadata.deletionTimestamp) {
    const before = new Set(previous.metadata.finalizers)
    const added = finalizers.filter((finalizer) => !before.has(finalizer))
    if (added.length > 0) {
      const found = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`
      yield fieldProblem.forbidden('metadata.finalizers', detail)
    }
  }
}
