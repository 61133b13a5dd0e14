import { StatusError } from '../../shared/errors/status-error.ts'
import type { FieldSelector } from '../../shared/selectors/field-selector.ts'
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

/** What a request says of which objects it is about. */
interface Selecting {
  /** Of one object, or empty. */
  readonly name: string
  readonly fields: FieldSelector | SelectorError
  readonly query: URLSearchParams
}

/** @throws StatusError BadRequest for selectors that cannot be read, or fields the kind cannot be selected by */
export function selectionOf(resource: Resource, namespace: string, { name, fields: asked, query }: Selecting): Selection {
  const labelText = query.get('labelSelector')
  const labels = labelText ? readSelector(() => parseLabelSelector(labelText)) : everything
  if (asked instanceof SelectorError) throw unreadable(asked)
  const { fieldNames } = resource.further?.conversion ?? {}
  const own = fieldNames ? Object.keys(fieldNames) : resource.selectable
  const known = ['metadata.name', ...(resource.namespaced ? ['metadata.namespace'] : []), ...own]
  for (const { field } of asked.requirements) {
    if (known.includes(field)) continue
    const list = known.map((each) => JSON.stringify(each)).join(', ')
    throw new StatusError('BadRequest', `${JSON.stringify(field)} is not a known field selector: only ${list}`)
  }
  const fields = fieldNames ? asked.renamed(new Map(Object.entries(fieldNames))) : asked
  const only = name || fields.requiredValue('metadata.name')
  // Not joined by a sign: every sign may stand in a value.
  const key = JSON.stringify([namespace, only, labels.empty ? '' : labels.toString(), fields.empty ? '' : fields.toString()])
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
  return (facts.named ? facts.named.get(field) : facts.fields[resource.selectable.indexOf(field)]) ?? ''
}

function readSelector<S>(read: () => S): S {
  try {
    return read()
  } catch (error) {
    throw error instanceof SelectorError ? unreadable(error) : error
  }
}

function unreadable(cause: SelectorError): StatusError {
  return new StatusError('BadRequest', cause.message, { cause })
}
