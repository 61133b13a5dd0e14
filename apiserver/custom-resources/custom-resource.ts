import type { KubeObject } from '../../shared/objects/object.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { KindFacts, Subresource } from '../../shared/openapi/kinds.ts'
import type { ResourceHooks } from '../registry/define-resource.ts'
import type { CustomKind, Resource, ServedSubresource } from '../registry/resource-table.ts'
import type { RunTimeShape } from '../registry/run-time-shape.ts'
import { prefixOf } from '../storage/keys.ts'
import type { ConvertObjects } from './convert.ts'
import { customHooks } from './custom-hooks.ts'
import { isTerminating } from './definition/definition-conditions.ts'
import { resourceNode } from './schema/schema-node.ts'
import { selectablePaths } from './selectable-fields.ts'
import { storedForms } from './stored-forms.ts'
import { type VersionForm, versionForm } from './version-form.ts'

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
/** What is going is not added to. */
const LAST_VERBS = ['delete', 'deletecollection', 'get', 'list', 'watch']
const EDIT_VERBS = ['get', 'patch', 'update']

/** Makes the kind of a definition that is valid: a resource for each version. @param convert how objects change their version */
export function customKind(definition: CustomResourceDefinition, convert: ConvertObjects): CustomKind {
  const { spec, status } = definition
  const names = acceptedNames(spec.names, status.acceptedNames)
  const forms = new Map(spec.versions.map((version) => [`${spec.group}/${version.name}`, versionForm(spec.group, names.kind, version)]))
  const storage = spec.versions.find((version) => version.storage)!
  const stores = storedForms({
    forms,
    storage: `${spec.group}/${storage.name}`,
    convert,
    paths: selectablePaths(spec.versions),
  })
  const resources = spec.versions.map((version) => {
    const form = forms.get(`${spec.group}/${version.name}`)!
    return resourceOf({ definition, names, version, form, custom: stores.shapeOf(form) })
  })
  return {
    served: resources.filter((_, index) => spec.versions[index]!.served),
    stored: resources[spec.versions.indexOf(storage)]!,
  }
}

interface Parts {
  readonly definition: CustomResourceDefinition
  readonly names: CustomResourceDefinitionNames
  readonly version: CustomResourceDefinitionVersion
  readonly form: VersionForm
  readonly custom: RunTimeShape
}

function resourceOf({ definition, names, version, form, custom }: Parts): Resource {
  const { group, scope } = definition.spec
  const { apiVersion, kind, shape } = form
  const verbs = isTerminating(definition) ? LAST_VERBS : ALL_VERBS
  const namespaced = scope === 'Namespaced'
  const subresources = subresourcesOf(version, { apiVersion, kind })
  const facts: KindFacts = {
    ...{ group, version: version.name, apiVersion, kind, plural: names.plural, namespaced, verbs, subresources },
    singular: names.singular ?? kind.toLowerCase(),
    definition: definitionName(group, version.name, kind),
  }
  const hooks: ResourceHooks<KubeObject> = customHooks({ names, version, form })
  return {
    definition: { apiVersion, kind, hooks },
    ...{ facts, group, version: version.name, apiVersion, kind, plural: names.plural, namespaced, subresources, custom },
    schema: resourceNode(shape),
    listKind: names.listKind ?? `${kind}List`,
    verbs: new Set(verbs),
    further: undefined,
    prefix: prefixOf(group, names.plural),
    named: { group, resource: names.plural },
    hasStatus: subresources.has('status'),
    hasGeneration: true,
    selectable: Object.keys(hooks.selectableFields ?? {}),
  }
}

function subresourcesOf({ subresources = {} }: CustomResourceDefinitionVersion, self: { apiVersion: string; kind: string }) {
  const served = new Map<string, ServedSubresource & Subresource>()
  if (subresources.scale) {
    served.set('scale', { name: 'scale', how: 'scale', apiVersion: 'autoscaling/v1', kind: 'Scale', verbs: EDIT_VERBS })
  }
  if (subresources.status) served.set('status', { name: 'status', how: 'status', ...self, verbs: EDIT_VERBS })
  return served
}

/** The names that nobody else has; what a definition asks for may not be granted (yet). */
function acceptedNames(asked: CustomResourceDefinitionNames, accepted: CustomResourceDefinitionNames): CustomResourceDefinitionNames {
  return {
    ...asked,
    shortNames: accepted.shortNames,
    categories: accepted.categories ?? asked.categories,
    singular: accepted.singular || asked.singular,
  }
}

/** As OpenAPI names it: `com.example.stable.v1.CronTab`. */
export function definitionName(group: string, version: string, kind: string): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}
