import type { Column, Row } from '../cluster/format.ts'

export function cellOf(row: Row, columns: readonly Column[], name: string): string {
  const cell = row.cells[columns.findIndex((column) => column.name === name)]
  return cell === null || cell === undefined ? '' : String(cell)
}

/** How often each text stands in a column, the most frequent first. */
export function countsOf(rows: Iterable<Row>, columns: readonly Column[], name: string): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const text = cellOf(row, columns, name)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])
}

/** Workloads with fewer ready pods than they want: `1/3` in a column, or two columns of a daemon set. */
export function unready(rows: Iterable<Row>, columns: readonly Column[]): readonly Row[] {
  return [...rows].filter((row) => {
    const ready = cellOf(row, columns, 'Ready')
    const [is, wanted] = ready.includes('/') ? ready.split('/').map(Number) : [Number(ready), Number(cellOf(row, columns, 'Desired'))]
    return is! < wanted!
  })
}
