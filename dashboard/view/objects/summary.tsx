import type { Row } from '../cluster/format.ts'
import type { LiveList } from '../cluster/live-list.ts'
import { type AnyObject, listAt, textAt, textsAt } from '../cluster/object.ts'
import { useNow } from '../page/now.ts'
import { cellText } from '../tables/rows.ts'

/** What the server prints of the object, all columns of it, and what it is marked with. */
export function Summary({ object, table }: { readonly object: AnyObject; readonly table: LiveList<Row> }) {
  const now = useNow()
  void table.version.value
  const [row] = table.items.values()
  const columns = table.columns.value
  return (
    <section aria-label="Summary">
      <dl class="facts">
        {row &&
          columns.map(({ name, description }, index) => (
            <Fact key={name} name={name} text={cellText(row, columns, index, now)} help={description} />
          ))}
        <Fact name="Created" text={object.metadata.creationTimestamp ?? ''} />
        <Fact name="Finalizers" text={(object.metadata.finalizers ?? []).join(', ')} />
      </dl>
      <Pairs title="Labels" pairs={textsAt(object, 'metadata', 'labels')} />
      <Pairs title="Annotations" pairs={textsAt(object, 'metadata', 'annotations')} />
      <Containers object={object} />
    </section>
  )
}

function Fact({ name, text, help }: { readonly name: string; readonly text: string; readonly help?: string | undefined }) {
  if (text === '' || text === '<none>') return null
  return (
    <div>
      <dt title={help}>{name}</dt>
      <dd>{text}</dd>
    </div>
  )
}

function Pairs({ title, pairs }: { readonly title: string; readonly pairs: readonly (readonly [string, string])[] }) {
  if (pairs.length === 0) return null
  return (
    <details open={title === 'Labels'}>
      <summary>{`${title} (${pairs.length})`}</summary>
      <ul class="pairs">
        {pairs.map(([key, value]) => (
          <li key={key}>
            <code>{key}</code>
            {value !== '' && `: ${value.length > 300 ? `${value.slice(0, 300)}…` : value}`}
          </li>
        ))}
      </ul>
    </details>
  )
}

/** Containers of a pod, or of the pods that a workload makes. */
function Containers({ object }: { readonly object: AnyObject }) {
  const isPod = object.kind === 'Pod'
  const spec = isPod ? ['spec'] : ['spec', 'template', 'spec']
  const containers = [...listAt(object, ...spec, 'initContainers'), ...listAt(object, ...spec, 'containers')]
  if (containers.length === 0) return null
  const statuses = [...listAt(object, 'status', 'initContainerStatuses'), ...listAt(object, 'status', 'containerStatuses')]
  const statusOf = (name: string) => statuses.find((status) => textAt(status, 'name') === name)
  return (
    <>
      <h2>Containers</h2>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Image</th>
            {isPod && <th scope="col">State</th>}
            {isPod && <th scope="col">Restarts</th>}
          </tr>
        </thead>
        <tbody>
          {containers.map((container) => {
            const name = textAt(container, 'name')
            return (
              <tr key={name}>
                <td>{name}</td>
                <td>{textAt(container, 'image')}</td>
                {isPod && <td>{stateOf(statusOf(name))}</td>}
                {isPod && <td>{textAt(statusOf(name), 'restartCount')}</td>}
              </tr>
            )
          })}
        </tbody>
      </table>
    </>
  )
}

function stateOf(status: unknown): string {
  const [state] = textsAt(status, 'state').map(([name]) => name)
  if (state === undefined) return ''
  return [state, textAt(status, 'state', state, 'reason'), textAt(status, 'state', state, 'message')]
    .filter((text) => text !== '')
    .join(': ')
}
