import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { useCluster, useTable } from '../cluster/cluster.ts'
import { type Kind, listPath } from '../cluster/kind.ts'
import { groupOf, objectPlace } from '../page/places.ts'
import { useRouter } from '../page/router.ts'
import { StateLine } from '../page/state-line.tsx'
import { DataTable } from './data-table.tsx'
import { NamespaceField } from './namespace-field.tsx'
import { arrange } from './rows.ts'

/** All objects of a kind, as the server prints them. */
export function TablePage({ group, resource }: { readonly group: string; readonly resource: string }) {
  const cluster = useCluster()
  if (cluster.kinds.value === undefined) return <p role="status">Loading…</p>
  const kind = cluster.find(groupOf(group), resource)
  return kind ? <KindTable kind={kind} /> : <p role="alert">{`The cluster serves no “${resource}” of the group “${group}”.`}</p>
}

function KindTable({ kind }: { readonly kind: Kind }) {
  const router = useRouter()
  const { query } = router.place.value
  const namespace = kind.isNamespaced ? (query.get('namespace') ?? '') : ''
  const labels = query.get('labels') ?? ''
  const isWide = useSignal(false)
  const path = `${listPath(kind, namespace)}${labels && `?labelSelector=${encodeURIComponent(labels)}`}`
  const list = useTable(path)
  const view = { filter: query.get('filter') ?? '', sortBy: Number(query.get('sort') ?? -1), isDescending: query.has('down') }
  const columns = list.columns.value
  const version = list.version.value
  const rows = useMemo(
    () => arrange(list.items.values(), columns, view),
    [list, version, columns, view.filter, view.sortBy, view.isDescending],
  )
  const sort = (column: number) => {
    const isSame = view.sortBy === column
    router.set({ sort: isSame && view.isDescending ? '' : String(column), down: isSame && !view.isDescending ? 'yes' : '' })
  }
  return (
    <section class="kind">
      <h1>{kind.kind}</h1>
      <search>
        <form class="tools" onSubmit={(event) => event.preventDefault()}>
          {kind.isNamespaced && <NamespaceField value={namespace} change={(value) => router.set({ namespace: value })} />}
          <input
            {...{ id: 'filter', type: 'search', placeholder: 'Filter (/)', 'aria-label': 'Filter', autocomplete: 'off' }}
            value={view.filter}
            onInput={(event) => router.set({ filter: event.currentTarget.value })}
          />
          <input
            {...{ type: 'text', placeholder: 'Labels: app=web,tier!=db', 'aria-label': 'Label selector', autocomplete: 'off' }}
            value={labels}
            onChange={(event) => router.set({ labels: event.currentTarget.value.trim() })}
          />
          <label>
            <input type="checkbox" checked={isWide} onChange={(event) => (isWide.value = event.currentTarget.checked)} /> all columns
          </label>
          <span role="status" class="count">
            {rows.length === list.items.size ? rows.length : `${rows.length} of ${list.items.size}`}
          </span>
        </form>
      </search>
      <StateLine list={list} />
      {list.state.value.phase === 'refused' && kind.isNamespaced && namespace === '' && (
        <p>With a namespace there may be something to see.</p>
      )}
      {columns.length > 0 && (
        <DataTable
          {...{ caption: kind.kind, columns, rows, view, sort, isWide: isWide.value, hasNamespaces: kind.isNamespaced && namespace === '' }}
          placeOf={({ object }) => objectPlace(kind, object.metadata)}
        />
      )}
      {list.state.value.phase === 'live' && rows.length === 0 && <p>{list.items.size === 0 ? 'There are none.' : 'None matches.'}</p>}
    </section>
  )
}
