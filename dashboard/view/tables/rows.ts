import type { Column, Row } from '../cluster/format.ts'
import { ageOf } from './age.ts'

/** What is shown of a table, and in which order. */
export interface View {
  /** Words that must all be somewhere in a row; `key=value` is a label. */
  readonly filter: string
  /** Index of the column, negative for none. */
  readonly sortBy: number
  readonly isDescending: boolean
}

const collator = new Intl.Collator('en', { numeric: true })

/** The text of a cell; ages are the page's to tell, for the server's are as old as its answer. */
export function cellText(row: Row, columns: readonly Column[], index: number, now: number): string {
  if (columns[index]?.name === 'Age') return ageOf(row.object.metadata.creationTimestamp, now)
  const cell = row.cells[index]
  return cell === null || cell === undefined ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
}

/** Rows that match, in order. Pure, and called once a picture at most. */
export function arrange(rows: Iterable<Row>, columns: readonly Column[], { filter, sortBy, isDescending }: View): Row[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const found = words.length === 0 ? [...rows] : [...rows].filter((row) => words.every((word) => has(row, word)))
  const direction = isDescending ? -1 : 1
  const column = columns[sortBy]
  if (column?.name === 'Age') {
    // The youngest first: its age is the smallest.
    const born = ({ object }: Row) => object.metadata.creationTimestamp ?? ''
    return found.sort((a, b) => direction * collator.compare(born(b), born(a)) || byName(a, b))
  }
  if (!column) return found.sort(byName)
  return found.sort((a, b) => direction * compareCells(a.cells[sortBy], b.cells[sortBy]) || byName(a, b))
}

function compareCells(a: unknown, b: unknown): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a ?? ''), String(b ?? ''))
}

function byName({ object: { metadata: a } }: Row, { object: { metadata: b } }: Row): number {
  return collator.compare(a.namespace ?? '', b.namespace ?? '') || collator.compare(a.name, b.name)
}

function has({ cells, object: { metadata } }: Row, word: string): boolean {
  if (metadata.namespace?.includes(word)) return true
  const equals = word.indexOf('=')
  if (equals > 0) return Object.entries(metadata.labels ?? {}).some(([key, value]) => `${key}=${value}`.toLowerCase() === word)
  return cells.some((cell) => cell !== null && String(cell).toLowerCase().includes(word))
}

/** Widths in characters, from the longest texts: a table whose columns move while it is scrolled cannot be read. */
export function widthsOf(rows: readonly Row[], columns: readonly Column[], shown: readonly number[], now: number): readonly number[] {
  const widths = shown.map((index) => columns[index]!.name.length + 3)
  for (const row of rows) {
    for (const [at, index] of shown.entries()) widths[at] = Math.max(widths[at]!, cellText(row, columns, index, now).length + 2)
  }
  return widths.map((width) => Math.min(width, 60))
}
