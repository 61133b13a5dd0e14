import { useMemo, useRef } from 'preact/hooks'
import type { Column, Row } from '../cluster/format.ts'
import { useNow } from '../page/now.ts'
import { cellText, type View, widthsOf } from './rows.ts'
import { useWindow } from './window.ts'

/** Pixels; what the style sheet says too. */
const ROW_HEIGHT = 32
const NAMESPACE_WIDTH = 24

interface DataTableProps {
  readonly caption: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly hasNamespaces: boolean
  readonly isWide: boolean
  readonly view: View
  readonly sort: (column: number) => void
  readonly placeOf: (row: Row) => string
}

/** A table of any length: only the rows that are seen are in the page. */
export function DataTable({ caption, columns, rows, hasNamespaces, isWide, view, sort, placeOf }: DataTableProps) {
  const box = useRef<HTMLDivElement>(null)
  const { first, last } = useWindow(box, rows.length, ROW_HEIGHT)
  const now = useNow()
  const shown = useMemo(() => columns.flatMap(({ priority }, index) => (isWide || priority === 0 ? [index] : [])), [columns, isWide])
  // Of ten thousand rows the first thousand tell how wide a column is.
  const widths = useMemo(() => widthsOf(rows.slice(0, 1000), columns, shown, now), [rows, columns, shown])
  const offset = hasNamespaces ? 1 : 0
  const width = widths.reduce((sum, each) => sum + each, offset * NAMESPACE_WIDTH)
  const onKey = (event: KeyboardEvent) => stepRow(event, rows.length, box.current)
  return (
    <div class="table" ref={box} tabIndex={-1}>
      <table aria-rowcount={rows.length + 1} style={{ minWidth: `${width}ch` }} onKeyDown={onKey}>
        <caption class="hidden">{caption}</caption>
        <colgroup>
          {hasNamespaces && <col style={{ width: `${NAMESPACE_WIDTH}ch` }} />}
          {shown.map((index, at) => (
            <col key={index} style={{ width: `${widths[at]}ch` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {hasNamespaces && <th scope="col">Namespace</th>}
            {shown.map((index) => (
              <th key={index} scope="col" aria-sort={view.sortBy !== index ? 'none' : view.isDescending ? 'descending' : 'ascending'}>
                <button type="button" onClick={() => sort(index)} title={columns[index]!.description}>
                  {columns[index]!.name}
                  {view.sortBy === index && (view.isDescending ? ' ↓' : ' ↑')}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Gap height={first * ROW_HEIGHT} columns={shown.length + offset} />}
          {rows.slice(first, last).map((row, at) => (
            <tr key={row.object.metadata.uid} aria-rowindex={first + at + 2}>
              {hasNamespaces && <td>{row.object.metadata.namespace}</td>}
              {shown.map((index, place) => (
                <td key={index} title={cellText(row, columns, index, now)}>
                  {place === 0 ? (
                    <a href={placeOf(row)}>{cellText(row, columns, index, now)}</a>
                  ) : (
                    <Cell text={cellText(row, columns, index, now)} />
                  )}
                </td>
              ))}
            </tr>
          ))}
          {last < rows.length && <Gap height={(rows.length - last) * ROW_HEIGHT} columns={shown.length + offset} />}
        </tbody>
      </table>
    </div>
  )
}

const GOOD = /^(Running|Ready|Active|Bound|True|Completed|Succeeded|Complete|Normal)$/
const BAD = /(Error|Failed|BackOff|NotReady|False|Lost|Evicted|OOMKilled|Invalid|Unknown|Warning)/

function Cell({ text }: { readonly text: string }) {
  const tone = GOOD.test(text) ? 'good' : BAD.test(text) ? 'bad' : ''
  return <span class={tone}>{text}</span>
}

function Gap({ height, columns }: { readonly height: number; readonly columns: number }) {
  return (
    <tr class="gap">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  )
}

/** j, k and the arrows go from row to row, also to those that are not in the page yet. */
function stepRow(event: KeyboardEvent, count: number, box: HTMLElement | null): void {
  const row = event.target instanceof HTMLElement ? event.target.closest('tbody tr') : null
  const step = event.key === 'j' || event.key === 'ArrowDown' ? 1 : event.key === 'k' || event.key === 'ArrowUp' ? -1 : 0
  if (!row || !box || step === 0) return
  event.preventDefault()
  const index = Number(row.getAttribute('aria-rowindex')) - 2 + step
  if (index < 0 || index >= count) return
  const top = index * ROW_HEIGHT
  const isSeen = top >= box.scrollTop && top + 2 * ROW_HEIGHT <= box.scrollTop + box.clientHeight
  if (!isSeen) box.scrollTop = Math.max(0, top - box.clientHeight / 2)
  const focus = () => box.querySelector<HTMLElement>(`tr[aria-rowindex="${index + 2}"] a`)?.focus()
  // A picture to scroll, and one to draw what came into sight.
  requestAnimationFrame(() => requestAnimationFrame(focus))
}
