import { keyOf } from '../../apiserver/storage/keys.ts'
import type { InitialState } from '../../apiserver/storage/memory-storage.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import { objectsOf } from './copied-objects.ts'
import { type ClusterCopy, type CopiedKind, nameOf } from './copy-cluster.ts'

/** What a fork begins with, and what was changed of the copy so that it is one. */
export interface ForkState {
  readonly initial: InitialState
  /** By kind, as the fork begins with them. */
  readonly kinds: readonly CopiedKind[]
  /** Sentences for people. */
  readonly changed: readonly string[]
}

/** Rules of admission that ask other servers. */
const ASKS_OTHERS: ReadonlySet<string> = new Set([
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
])

/** The copy without what would reach out of the process, as the store of an API server has it: uids, versions and status are those of the live cluster. */
export function initialState(copy: ClusterCopy): ForkState {
  const changed: string[] = []
  const unreadKinds = new Set(copy.kinds.filter((kind) => copy.unread.has(nameOf(kind))).map(({ kind }) => kind))
  const readKinds = new Set(copy.kinds.map(({ kind }) => kind))
  const uids = new Set(copy.kinds.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.uid)))
  const isUnread = (owner: { kind: string; uid: string }) =>
    !uids.has(owner.uid) && (unreadKinds.has(owner.kind) || !readKinds.has(owner.kind))
  const kinds = copy.kinds.map((kind) => ({ ...kind, objects: kind.objects.flatMap((object) => kept(kind, object, changed)) }))
  const whole = withStandIns(kinds, copy.unread, changed).map((kind) => ({
    ...kind,
    objects: kind.objects.map((object) => withoutUnreadOwners(object, isUnread)),
  }))
  const stored = storedVersions(whole)
  const objects = whole.flatMap((kind) => kind.objects.map((object) => entryOf(kind, stored.get(nameOf(kind)), object, copy.revision)))
  return { initial: { revision: copy.revision, objects }, kinds: whole, changed }
}

function entryOf({ group, plural, namespaced }: CopiedKind, version: string | undefined, object: KubeObject, revision: number) {
  const { name = '', namespace, resourceVersion } = object.metadata
  const key = keyOf({ group, resource: plural, namespace: namespaced ? namespace : undefined, name })
  const value = version === undefined ? object : { ...object, apiVersion: version }
  return { key, value: Buffer.from(writeExactJson(value)), revision: Number(resourceVersion ?? revision) }
}

function kept(kind: CopiedKind, object: KubeObject, changed: string[]): KubeObject[] {
  const name = nameOf(kind)
  if (ASKS_OTHERS.has(name)) {
    changed.push(`webhooks of ${object.metadata.name} are not asked`)
    return []
  }
  if (name === 'apiservices.apiregistration.k8s.io' && (object as APIService).spec?.service) {
    changed.push(`${object.metadata.name} is another server's, and not served`)
    return []
  }
  if (name === 'customresourcedefinitions.apiextensions.k8s.io') {
    const definition = object as CustomResourceDefinition
    if (definition.spec.conversion?.strategy !== 'Webhook') return [object]
    changed.push(`${object.metadata.name} is converted without its webhook: fields are those of the stored version`)
    return [{ ...definition, spec: { ...definition.spec, conversion: { strategy: 'None' } } } as KubeObject]
  }
  return [object]
}

/** An owner that nobody may see is not one that is gone: the garbage collector would take it for that. */
function withoutUnreadOwners(object: KubeObject, isUnread: (owner: { kind: string; uid: string }) => boolean): KubeObject {
  const { ownerReferences, ...metadata } = object.metadata
  if (!ownerReferences?.some(isUnread)) return object
  const left = ownerReferences.filter((owner) => !isUnread(owner))
  return { ...object, metadata: left.length > 0 ? { ...object.metadata, ownerReferences: left } : metadata }
}

/** Namespaces and nodes that objects speak of and that could not be read: what is in a namespace needs it, and pods of a node that is not there are removed. */
function withStandIns(kinds: readonly CopiedKind[], unread: ReadonlySet<string>, changed: string[]): CopiedKind[] {
  const all = [...kinds]
  const standIns = (plural: string, kind: string, names: ReadonlySet<string>, make: (name: string) => object) => {
    if (!unread.has(plural)) return
    const at = all.findIndex((one) => one.group === '' && one.plural === plural)
    const known = all[at] ?? { group: '', version: 'v1', plural, kind, namespaced: false, objects: [] }
    const there = new Set(known.objects.map(({ metadata }) => metadata.name))
    const missing = [...names].filter((name) => !there.has(name)).sort()
    if (missing.length === 0) return
    changed.push(
      `${plural} ${missing.join(', ')} could not be read: stand-ins are there for them${plural === 'nodes' ? ', on which nothing new is placed' : ''}`,
    )
    const made = missing.map((name) => ({ apiVersion: 'v1', kind, metadata: { name, uid: `stand-in-${name}` }, ...make(name) }))
    const next = { ...known, objects: [...known.objects, ...made] }
    if (at >= 0) all[at] = next
    else all.push(next)
  }
  const objects = all.flatMap((kind) => (kind.namespaced ? kind.objects : []))
  standIns('namespaces', 'Namespace', new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? [])), () => ({
    ...{ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } },
  }))
  const nodes = objectsOf(all, 'pods').flatMap(({ spec }) => spec.nodeName ?? [])
  standIns('nodes', 'Node', new Set(nodes), () => ({
    spec: { unschedulable: true },
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'stand-in' }] },
  }))
  return all
}

/** In which version objects of kinds that were defined are stored, by name of the kind. */
function storedVersions(kinds: readonly CopiedKind[]): ReadonlyMap<string, string> {
  return new Map(
    objectsOf(kinds, 'customresourcedefinitions.apiextensions.k8s.io').map(({ spec, metadata }) => {
      const stored = spec.versions.find(({ storage }) => storage)?.name ?? ''
      return [metadata.name ?? '', `${spec.group}/${stored}`]
    }),
  )
}
