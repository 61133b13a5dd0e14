import { StatusError } from '../../shared/errors/status-error.ts'
import { anyField, type FieldSelector, parseFieldSelector } from '../../shared/selectors/field-selector.ts'
import { everything, type LabelSelector, parseLabelSelector } from '../../shared/selectors/label-selector.ts'
import { SelectorError } from '../../shared/selectors/selector-error.ts'
import type { ObjectFacts } from './object-facts.ts'
import type { Resource } from './resource-table.ts'

/** Which objects of a kind: the namespace of the URL, and the two selectors of the query. */
export interface Selection {
  /** Empty: every namespace, or a cluster-scoped kind. */
  readonly namespace: string
  readonly labels: LabelSelector
  readonly fields: FieldSelector
  /** Set where only one name can match. */
  readonly name: string | undefined
  /** Equal keys select the same objects. */
  readonly key: string
  /** True when nothing but the namespace selects. */
  readonly all: boolean
}

/** @throws StatusError BadRequest for selectors that cannot be read, or fields the kind cannot be selected by */
export function selectionOf(resource: Resource, namespace: string, name: string, query: URLSearchParams): Selection {
  const labelText = query.get('labelSelector')
  const fieldText = query.get('fieldSelector')
  const labels = labelText ? readSelector(() => parseLabelSelector(labelText)) : everything
  const fields = fieldText ? readSelector(() => parseFieldSelector(fieldText)) : anyField
  for (const { field } of fields.requirements) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && resource.namespaced) || resource.selectable.includes(field))
      continue
    throw new StatusError(
      'BadRequest',
      `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    )
  }
  const only = name || fields.requiredValue('metadata.name')
  const key = `${namespace}|${only ?? ''}|${labels.empty ? '' : labels.toString()}|${fields.empty ? '' : fields.toString()}`
  return { namespace, labels, fields, name: only, key, all: labels.empty && fields.empty && !only }
}

export function selects(resource: Resource, selection: Selection, facts: ObjectFacts): boolean {
  if (selection.namespace !== '' && facts.namespace !== selection.namespace) return false
  if (selection.all) return true
  if (selection.name !== undefined && facts.name !== selection.name) return false
  if (!selection.labels.empty && !selection.labels.matches(facts.labels)) return false
  return selection.fields.empty || selection.fields.matches((field) => fieldOf(resource, field, facts))
}

function fieldOf(resource: Resource, field: string, facts: ObjectFacts): string {
  if (field === 'metadata.name') return facts.name
  if (field === 'metadata.namespace') return facts.namespace
  return facts.fields[resource.selectable.indexOf(field)] ?? ''
}

function readSelector<S>(read: () => S): S {
  try {
    return read()
  } catch (error) {
    if (error instanceof SelectorError) throw new StatusError('BadRequest', error.message, { cause: error })
    throw error
  }
}
