import type { Row } from '../cluster/format.ts'
import type { LiveList } from '../cluster/live-list.ts'
import { useNow } from '../page/now.ts'
import { StateLine } from '../page/state-line.tsx'
import { cellText } from '../tables/rows.ts'

/** Events that are shown; all of them are among the kind’s objects. */
const MOST = 50

/** Events, the newest first, as the server prints them. */
export function EventTable({ list, none }: { readonly list: LiveList<Row>; readonly none: string }) {
  const now = useNow()
  void list.version.value
  const columns = list.columns.value
  const shown = columns.flatMap(({ priority }, index) => (priority === 0 ? [index] : []))
  const rows = [...list.items.values()].sort((a, b) => (bornAt(b) < bornAt(a) ? -1 : 1)).slice(0, MOST)
  return (
    <>
      <StateLine list={list} />
      {rows.length === 0 && list.state.value.phase === 'live' && <p>{none}</p>}
      {rows.length > 0 && (
        <section class="scroll" aria-label="Events" tabIndex={0}>
          <table class="plain">
            <thead>
              <tr>
                {shown.map((index) => (
                  <th key={index} scope="col">
                    {columns[index]!.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.object.metadata.uid}>
                  {shown.map((index) => (
                    <td key={index}>{cellText(row, columns, index, now)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  )
}

function bornAt({ object }: Row): string {
  return object.metadata.creationTimestamp ?? ''
}
